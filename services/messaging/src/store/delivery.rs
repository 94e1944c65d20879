//! Settles what people have received and whether they have read it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::pg::{Error, Reader, Row, Transaction};
use utoipa::ToSchema;
use uuid::Uuid;

use super::thread::subject;
use crate::domain::support_text;

/// A message in an inbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxMessage {
    /// The message.
    pub id: Uuid,
    /// Its thread.
    pub thread_id: Uuid,
    /// Its school.
    pub school_id: Uuid,
    subject: String,
    /// Absent until the directory has told it.
    sender_name: Option<String>,
    sent_at: DateTime<Utc>,
    read: bool,
}

impl InboxMessage {
    /// From seven columns, the first of which is `at`.
    pub(super) fn read(row: &Row, at: usize) -> Self {
        Self {
            id: row.get(at),
            thread_id: row.get(at + 1),
            school_id: row.get(at + 2),
            subject: support_text::subject(row.get(at + 3)),
            sender_name: row.get(at + 4),
            sent_at: row.get(at + 5),
            read: row.get(at + 6),
        }
    }
}

/// Deliveries that a page of the inbox looks at in one go: what was withdrawn since yesterday must not cost more than the page.
const LOOKED_AT: i64 = 500;

/// A page of the inbox, newest first, of what is visible among the next [`LOOKED_AT`] deliveries of each school after `after`.
pub async fn list_inbox(
    reader: &mut Reader,
    schools: &[Uuid],
    person_id: Uuid,
    after: Uuid,
    limit: i64,
) -> Result<Vec<InboxMessage>, Error> {
    // School by school, each in the order of its index: the mailbox below the page is neither read nor sorted.
    let sql = format!(
        "select m.id, m.thread_id, m.school_id, {}, p.given_name || ' ' || p.family_name, m.sent_at, m.is_read
         from (select newest.* from unnest($1::uuid[]) as school(id)
               cross join lateral (
                   select m.id, m.thread_id, m.school_id, m.sender_id, m.sent_at, d.read_at is not null as is_read
                   from (select message_id, read_at from delivery
                         where school_id = school.id and recipient_id = $2 and message_id < $3
                         order by message_id desc limit $5) d
                   join message m on m.school_id = school.id and m.id = d.message_id and m.state = 'visible'
                   order by d.message_id desc limit $4) newest
               order by newest.id desc limit $4) m
         join thread t on t.school_id = m.school_id and t.id = m.thread_id
         left join directory.person p on p.id = m.sender_id
         order by m.id desc",
        subject("$2")
    );
    let rows = reader.query(&sql, &[&schools, &person_id, &after, &limit, &LOOKED_AT]).await?;
    Ok(rows.iter().map(|row| InboxMessage::read(row, 0)).collect())
}

/// Where [`list_inbox`] stopped looking: below it, nothing is known of at least one school. `None` when all was looked at.
pub async fn find_reached(
    reader: &mut Reader,
    schools: &[Uuid],
    person_id: Uuid,
    after: Uuid,
) -> Result<Option<Uuid>, Error> {
    let sql = "select reached.message_id from unnest($1::uuid[]) as school(id)
               cross join lateral (
                   select message_id from delivery
                   where school_id = school.id and recipient_id = $2 and message_id < $3
                   order by message_id desc offset $4::bigint - 1 limit 1) reached
               order by reached.message_id desc limit 1";
    let row = reader.query_opt(sql, &[&schools, &person_id, &after, &LOOKED_AT]).await?;
    Ok(row.map(|row| row.get(0)))
}

/// How many visible messages the person has not read: counted, never kept, so that it cannot be wrong.
pub async fn count_unread(reader: &mut Reader, schools: &[Uuid], person_id: Uuid) -> Result<i64, Error> {
    // Without a look at each message: those that are not visible are few, and have an index of their own.
    let sql = "select count(*) from delivery d
               where d.school_id = any($1) and d.recipient_id = $2 and d.read_at is null
                 and not exists (select 1 from message m where m.school_id = d.school_id and m.id = d.message_id
                                                           and m.state <> 'visible')";
    Ok(reader.query_one(sql, &[&schools, &person_id]).await?.get(0))
}

/// Marks what a person can see of a thread as read. False when they can see nothing of it: what is held stays unread, so
/// that it comes as new when it is released, and what is withdrawn as well.
pub async fn update_read(
    transaction: &mut Transaction,
    schools: &[Uuid],
    person_id: Uuid,
    thread_id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let sql = "with seen as (
                   select d.school_id, d.message_id, d.read_at, m.state from delivery d
                   join message m on m.school_id = d.school_id and m.id = d.message_id
                                 and m.state in ('visible', 'recalled')
                   where d.school_id = any($1) and d.recipient_id = $2 and d.thread_id = $3),
               marked as (
                   update delivery d set read_at = $4 from seen s
                   where (d.school_id, d.recipient_id, d.message_id) = (s.school_id, $2, s.message_id)
                     and d.read_at is null and s.read_at is null and s.state = 'visible'
                   returning d.school_id),
               told as (
                   insert into mail_event (school_id, kind, person_id) select school_id, 'read', $2 from marked limit 1)
               select exists (select 1 from seen)";
    Ok(transaction.query_one(sql, &[&schools, &person_id, &thread_id, &now]).await?.get(0))
}
