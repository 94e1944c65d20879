//! Settles what is counted of an account's sends: in all its schools, whatever became of them, under the locks of the next one.

use chrono::{DateTime, TimeDelta, Utc};
use shared::pg::{Error, Transaction};
use uuid::Uuid;

use crate::domain::budget::{BROAD_FROM, Usage};

/// More messages of an hour than this are not looked at: their recipients would exceed every limit.
const MOST_BROAD: i64 = 3_000;

/// A message that is to be counted.
pub struct Count<'a> {
    /// The schools of the account.
    pub schools: &'a [Uuid],
    /// Who sends.
    pub sender_id: Uuid,
    /// Whom it reaches.
    pub recipients: &'a [Uuid],
    /// When.
    pub now: DateTime<Utc>,
    /// Whether contacts are kept of this sender: of pupils and guardians, whose recipients are few.
    pub has_contacts: bool,
}

/// What an account has sent before this message.
pub async fn find(transaction: &mut Transaction, count: &Count<'_>) -> Result<Usage, Error> {
    let sql = "select array(select last_at from contact
                            where $6 and school_id = any($1) and sender_id = $2 and last_at > $4 and recipient_id <> all ($3)
                            order by last_at),
                      coalesce(array_agg(b.sent_at order by b.sent_at), '{}'),
                      coalesce(array_agg(b.recipient_count order by b.sent_at), '{}')
               from (select sent_at, recipient_count from message
                     where sender_id = $2 and sent_at > $5 and recipient_count > $7 limit $8) b";
    let Count { schools, sender_id, recipients, now, has_contacts } = count;
    let (day, hour) = (*now - TimeDelta::days(1), *now - TimeDelta::hours(1));
    let broad_from = i32::try_from(BROAD_FROM).unwrap_or(i32::MAX);
    let row = transaction
        .query_one(
            sql,
            &[schools, sender_id, recipients, &day, &hour, has_contacts, &broad_from, &MOST_BROAD],
        )
        .await?;
    let counts = row.get::<_, Vec<i32>>(2).into_iter().map(|count| usize::try_from(count).unwrap_or(0));
    let broad_of_hour = row.get::<_, Vec<DateTime<Utc>>>(1).into_iter().zip(counts).collect();
    Ok(Usage { others_of_day: row.get(0), broad_of_hour })
}

/// Remembers to whom somebody has written now.
pub async fn remember(
    transaction: &mut Transaction,
    (school_id, sender_id): (Uuid, Uuid),
    recipients: &[Uuid],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let sql = "insert into contact (school_id, sender_id, recipient_id, last_at)
               select $1, $2, recipient, $4 from unnest($3::uuid[]) recipient
               on conflict (school_id, sender_id, recipient_id) do update set last_at = excluded.last_at";
    transaction.execute(sql, &[&school_id, &sender_id, &recipients, &now]).await.map(|_| ())
}
