//! Settles what is counted of an account's sends: in all its schools, whatever became of them, under the locks of the next one.

use chrono::{DateTime, TimeDelta, Utc};
use shared::pg::{Error, Reader, Transaction};
use uuid::Uuid;

use crate::domain::budget::Usage;
use crate::domain::climate::Climate;
use crate::domain::detection::behaviour::CLIMATE_SENDS;
use crate::domain::detection::window::LOOKED_BACK;

/// More messages of an hour than this are not looked at: they exceed every limit.
const MOST_OF_HOUR: i64 = 1_000;

/// A school year and its holidays.
const CONTACTS_KEPT_FOR: TimeDelta = TimeDelta::days(400);

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
                     where sender_id = $2 and sent_at > $5 order by sent_at desc limit $7) b";
    let Count { schools, sender_id, recipients, now, has_contacts } = count;
    let (day, hour) = (*now - TimeDelta::days(1), *now - TimeDelta::hours(1));
    let row = transaction
        .query_one(sql, &[schools, sender_id, recipients, &day, &hour, has_contacts, &MOST_OF_HOUR])
        .await?;
    let counts = row.get::<_, Vec<i32>>(2).into_iter().map(|count| usize::try_from(count).unwrap_or(0));
    let of_hour = row.get::<_, Vec<DateTime<Utc>>>(1).into_iter().zip(counts).collect();
    Ok(Usage { others_of_day: row.get(0), of_hour })
}

/// How many messages of an account wait for a second look, of those that were held after a moment.
pub async fn count_waiting(
    transaction: &mut Transaction,
    sender_id: Uuid,
    after: DateTime<Utc>,
) -> Result<usize, Error> {
    let sql = "select count(*) from message where sender_id = $1 and state = 'held' and sent_at > $2";
    let count: i64 = transaction.query_one(sql, &[&sender_id, &after]).await?.get(0);
    Ok(usize::try_from(count).unwrap_or(0))
}

/// What a sender is used to.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// Most recipients of a message of theirs that people see, a day ago or earlier.
    pub widest_before: u32,
    /// To how many of these people nothing of theirs had gone a day ago; 0 where contacts are not kept.
    pub new_recipients: u32,
}

/// What a sender was used to a day before this message: what was sent today is no habit, or a second try would find the first.
pub async fn find_habits(
    transaction: &mut Transaction,
    (school_id, sender_id): (Uuid, Uuid),
    recipients: &[Uuid],
    now: DateTime<Utc>,
    has_contacts: bool,
) -> Result<Habits, Error> {
    let sql = "select coalesce((select recipient_count from message
                                where sender_id = $2 and state = 'visible' and sent_at <= $4
                                order by recipient_count desc limit 1), 0),
                      (select count(*) from unnest($3::uuid[]) recipient
                       where $5 and not exists (select 1 from contact where school_id = $1 and sender_id = $2
                                                and recipient_id = recipient and first_at <= $4))";
    let yesterday = now - TimeDelta::days(1);
    let row =
        transaction.query_one(sql, &[&school_id, &sender_id, &recipients, &yesterday, &has_contacts]).await?;
    Ok(Habits {
        widest_before: u32::try_from(row.get::<_, i32>(0)).unwrap_or(0),
        new_recipients: u32::try_from(row.get::<_, i64>(1)).unwrap_or(u32::MAX),
    })
}

/// Who sent the newest messages of all schools that people see and that are older than a campaign is noticed.
pub async fn find_climate(reader: &mut Reader, now: DateTime<Utc>) -> Result<Climate, Error> {
    let sql = "select count(distinct sender_id), count(distinct sender_id) filter (where is_newcomer)
               from (select sender_id, is_newcomer from message
                     where state = 'visible' and id < $1 order by id desc limit $2) latest";
    let limit = i64::try_from(CLIMATE_SENDS).unwrap_or(i64::MAX);
    let row = reader.query_one(sql, &[&super::text::first_id_of(now - LOOKED_BACK), &limit]).await?;
    let count = |column| usize::try_from(row.get::<_, i64>(column)).unwrap_or(0);
    Ok(Climate { people: count(0), newcomers: count(1) })
}

/// Remembers to whom somebody has written now. What is held counts for the day, and makes nobody known.
pub async fn remember(
    transaction: &mut Transaction,
    (school_id, sender_id): (Uuid, Uuid),
    recipients: &[Uuid],
    now: DateTime<Utc>,
    is_held: bool,
) -> Result<(), Error> {
    let sql = "insert into contact (school_id, sender_id, recipient_id, last_at, first_at)
               select $1, $2, recipient, $4, case when not $5 then $4::timestamptz end from unnest($3::uuid[]) recipient
               on conflict (school_id, sender_id, recipient_id) do update
                 set last_at = excluded.last_at, first_at = coalesce(contact.first_at, excluded.first_at)";
    transaction.execute(sql, &[&school_id, &sender_id, &recipients, &now, &is_held]).await.map(|_| ())
}

/// Forgets up to `limit` contacts that nobody has written to for a school year; says how many.
pub async fn delete_old(transaction: &mut Transaction, now: DateTime<Utc>, limit: i64) -> Result<u64, Error> {
    let sql = "delete from contact where ctid = any(array(
                   select ctid from contact where last_at < $1 limit $2))";
    transaction.execute(sql, &[&(now - CONTACTS_KEPT_FOR), &limit]).await
}
