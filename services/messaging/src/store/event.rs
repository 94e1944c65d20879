//! Settles how news of mailboxes are kept for a day, in the order of their positions, and read for whoever listens.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use shared::pg::{Error, Json, Reader, Row, Transaction};
use shared::sequence::Sequence;
use uuid::Uuid;

use super::delivery::InboxMessage;
use super::thread::subject;

/// The lock is "mail" in ASCII.
pub const SEQUENCE: Sequence = Sequence { table: "mail_event", lock: 0x6d61_696c, batch: 5_000 };
/// How long news are kept for streams that come back.
const KEPT: TimeDelta = TimeDelta::days(1);

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A message was sent.
    Sent,
    /// A message that was held or withdrawn is there now.
    Released,
    /// A message was withdrawn, or is held.
    Withdrawn,
    /// The person has read something.
    Read,
}

/// What happened in one person's mailbox.
#[derive(Debug)]
pub struct Event {
    /// Its place among all news.
    pub position: i64,
    /// Whose mailbox.
    pub person_id: Uuid,
    /// What.
    pub kind: Kind,
    /// The message, where it is about one, as it is now.
    pub message: Option<InboxMessage>,
    /// Whether its recipients see it now.
    pub is_visible: bool,
}

/// The columns of an [`Event`] of a message `e`, delivered as `d` to somebody.
fn columns(person: &str) -> String {
    format!(
        "e.position, {person}, to_jsonb(e.kind), m.state = 'visible', m.id, m.thread_id, m.school_id, {},
         p.given_name || ' ' || p.family_name, m.sent_at, d.read_at is not null",
        subject(person)
    )
}

/// What a message and its delivery are joined by.
const MESSAGE: &str = "join message m on m.school_id = e.school_id and m.id = e.message_id
    join thread t on t.school_id = m.school_id and t.id = m.thread_id
    left join directory.person p on p.id = m.sender_id";

/// The last position that was given; 0 for none.
pub async fn last_position(reader: &mut Reader) -> Result<i64, Error> {
    let sql = "select coalesce(max(position), 0) from mail_event";
    Ok(reader.query_one(sql, &[]).await?.get(0))
}

/// The first position that is still kept; one more than the last where nothing is.
pub async fn first_position(reader: &mut Reader) -> Result<i64, Error> {
    let sql = "select coalesce(min(position), 1) from mail_event";
    Ok(reader.query_one(sql, &[]).await?.get(0))
}

/// What happened between two positions in the mailboxes of these people, each named with one of their schools.
pub async fn list_of_many(
    reader: &mut Reader,
    (after, upto): (i64, i64),
    watched: &[(Uuid, Uuid)],
) -> Result<Vec<Event>, Error> {
    // By the key of each delivery: how much else somebody has received costs nothing.
    let sql = format!(
        "select {} from mail_event e
         join unnest($3::uuid[], $4::uuid[]) as w(school_id, person_id) on w.school_id = e.school_id
         cross join lateral (select read_at from delivery
             where school_id = e.school_id and recipient_id = w.person_id and message_id = e.message_id limit 1) d
         {MESSAGE}
         where e.position > $1 and e.position <= $2
         union all
         select distinct e.position, e.person_id, to_jsonb(e.kind), false, null::uuid, null::uuid, null::uuid, null, null,
                null::timestamptz, false
         from mail_event e where e.position > $1 and e.position <= $2 and e.person_id = any($4)
         order by 1",
        columns("w.person_id")
    );
    let (schools, people): (Vec<Uuid>, Vec<Uuid>) = watched.iter().copied().unzip();
    reader.query(&sql, &[&after, &upto, &schools, &people]).await?.iter().map(event).collect()
}

/// How much happened in these schools between two positions, counted up to `most`.
pub async fn count(
    reader: &mut Reader,
    schools: &[Uuid],
    (after, upto): (i64, i64),
    most: i64,
) -> Result<i64, Error> {
    let sql = "select count(*) from (select 1 from mail_event
               where school_id = any($1) and position > $2 and position <= $3 limit $4) counted";
    Ok(reader.query_one(sql, &[&schools, &after, &upto, &most]).await?.get(0))
}

/// What happened in one mailbox between two positions. What was read is not told to whoever comes back: the count is.
pub async fn list_of_one(
    reader: &mut Reader,
    schools: &[Uuid],
    person_id: Uuid,
    (after, upto): (i64, i64),
) -> Result<Vec<Event>, Error> {
    let sql = format!(
        "select {} from mail_event e
         cross join lateral (select read_at from delivery
             where school_id = e.school_id and recipient_id = $2 and message_id = e.message_id limit 1) d
         {MESSAGE}
         where e.school_id = any($1) and e.position > $3 and e.position <= $4 order by 1",
        columns("$2::uuid")
    );
    let rows = reader.query(&sql, &[&schools, &person_id, &after, &upto]).await?;
    rows.iter().map(event).collect()
}

/// How many visible messages each of these people has not read in a school, as `store::delivery::count_unread` counts them.
pub async fn count_unread_of_many(
    reader: &mut Reader,
    watched: &[(Uuid, Uuid)],
) -> Result<HashMap<(Uuid, Uuid), i64>, Error> {
    let sql = "select w.school_id, w.person_id, unread.count
               from unnest($1::uuid[], $2::uuid[]) as w(school_id, person_id)
               cross join lateral (
                   select count(*) from delivery d
                   where d.school_id = w.school_id and d.recipient_id = w.person_id and d.read_at is null
                     and not exists (select 1 from message m where m.school_id = d.school_id and m.id = d.message_id
                                                               and m.state <> 'visible')) unread";
    let (schools, people): (Vec<Uuid>, Vec<Uuid>) = watched.iter().copied().unzip();
    let rows = reader.query(sql, &[&schools, &people]).await?;
    Ok(rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect())
}

/// Deletes up to `limit` news that are older than a day, but for the last position. Returns how many.
pub async fn delete_old(transaction: &mut Transaction, now: DateTime<Utc>, limit: i64) -> Result<u64, Error> {
    let sql = "delete from mail_event using (
                   select position, at from mail_event where position is not null order by position limit $2) oldest
               where mail_event.position = oldest.position and oldest.at < $1
                 and oldest.position < (select max(position) from mail_event)";
    transaction.execute(sql, &[&(now - KEPT), &limit]).await
}

fn event(row: &Row) -> Result<Event, Error> {
    let message = row.get::<_, Option<Uuid>>(4).map(|_| InboxMessage::read(row, 4));
    Ok(Event {
        position: row.get(0),
        person_id: row.get(1),
        kind: row.try_get::<_, Json<Kind>>(2)?.0,
        is_visible: row.get(3),
        message,
    })
}
