//! Settles how held messages are kept, found and decided.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use shared::pg::{Error, Json, Reader, Row, ToSql, Transaction};
use utoipa::ToSchema;
use uuid::Uuid;

use super::thread::BEGINNING;
use crate::domain::detection::fingerprint::Fingerprint;
use crate::domain::hold::{HELD_FOR, Hold, Outcome, ReleasedBy, Why};
use crate::domain::restriction::Letter;
use crate::domain::support_text;

/// A message that waits for a second look, as a reviewer sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldMessage {
    id: Uuid,
    thread_id: Uuid,
    /// Withheld where the message that began the thread was withdrawn or refused.
    subject: String,
    sender_id: Uuid,
    /// Absent until the directory has told it.
    sender_name: Option<String>,
    /// Whom it is for, as the sender named them.
    #[schema(value_type = Object)]
    audience: Value,
    recipient_count: i32,
    body: String,
    held_at: DateTime<Utc>,
    /// When it counts as refused, if nobody has looked at it.
    until: DateTime<Utc>,
    /// Whether it has a phrase of the installation's list.
    is_urgent: bool,
    reasons: Vec<Why>,
}

/// A held message that somebody decides about.
#[derive(Debug)]
pub struct Waiting {
    /// Its school.
    pub school_id: Uuid,
    /// The message.
    pub message_id: Uuid,
    /// Who sent it.
    pub sender_id: Uuid,
    /// Who may release it.
    pub released_by: ReleasedBy,
    /// Since when it waits.
    pub held_at: DateTime<Utc>,
    /// What restrictions have to know of it.
    pub letter: Letter,
    /// Of its text, if it is long enough to be compared.
    pub fingerprint: Option<Fingerprint>,
}

/// What somebody decides.
pub struct Decision<'a> {
    /// What.
    pub outcome: Outcome,
    /// Who.
    pub by: Uuid,
    /// Why, in their words.
    pub note: Option<&'a str>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Keeps why a message waits.
pub async fn insert(
    transaction: &mut Transaction,
    (school_id, message_id): (Uuid, Uuid),
    (hold, is_urgent): (&Hold, bool),
    letter: &Letter,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let sql = "insert into hold (school_id, message_id, held_at, reasons, release, is_urgent, letter)
               values ($1, $2, $3, $4, $5, $6, $7)";
    let (reasons, letter, release) = (Json(&hold.reasons), Json(letter), hold.released_by.name());
    let params: [&(dyn ToSql + Sync); 7] =
        [&school_id, &message_id, &now, &reasons, &release, &is_urgent, &letter];
    transaction.execute(sql, &params).await.map(|_| ())
}

/// A message that waits since after a moment, in one of these schools.
pub async fn find_waiting(
    transaction: &mut Transaction,
    schools: &[Uuid],
    id: Uuid,
    after: DateTime<Utc>,
) -> Result<Option<Waiting>, Error> {
    let sql = "select h.school_id, m.sender_id, to_jsonb(h.release), h.held_at, h.letter, m.fingerprint
               from hold h join message m on m.school_id = h.school_id and m.id = h.message_id and m.state = 'held'
               where h.school_id = any($1) and h.message_id = $2 and h.outcome is null and h.held_at > $3";
    let row = transaction.query_opt(sql, &[&schools, &id, &after]).await?;
    let waiting = |row: &Row| {
        Ok(Waiting {
            school_id: row.get(0),
            message_id: id,
            sender_id: row.get(1),
            released_by: row.try_get::<_, Json<ReleasedBy>>(2)?.0,
            held_at: row.get(3),
            letter: row.try_get::<_, Json<Letter>>(4)?.0,
            fingerprint: row.get::<_, Option<&[u8]>>(5).and_then(Fingerprint::from_bytes),
        })
    };
    row.as_ref().map(waiting).transpose()
}

/// Lets a decision count, if nobody has decided meanwhile and the message is still held.
pub async fn decide(
    transaction: &mut Transaction,
    (school_id, message_id): (Uuid, Uuid),
    decision: &Decision<'_>,
) -> Result<bool, Error> {
    let sql = "with decided as (
                   update hold set outcome = $3, decided_by = $4, note = $5, decided_at = $6
                   where school_id = $1 and message_id = $2 and outcome is null returning message_id)
               update message set state = case $3 when 'released' then 'visible' else 'refused' end
               where school_id = $1 and id in (select message_id from decided) and state = 'held'";
    let Decision { outcome, by, note, at } = decision;
    Ok(transaction.execute(sql, &[&school_id, &message_id, &outcome.name(), by, note, at]).await? == 1)
}

/// Whether the account of a sender was taken into safety after a message had been held. Its owner, who signs in after that with a
/// session of a later epoch, is not concerned.
pub async fn is_contained(
    transaction: &mut Transaction,
    waiting: &Waiting,
    owners_epoch: Option<i64>,
) -> Result<bool, Error> {
    let sql = "select exists (select 1 from contained_account
                              where person_id = $1 and contained_at >= $2 and not coalesce(epoch <= $3, false))";
    let Waiting { sender_id, held_at, .. } = waiting;
    Ok(transaction.query_one(sql, &[sender_id, held_at, &owners_epoch]).await?.get(0))
}

/// How many messages of a school wait since after a moment.
pub async fn count_waiting(reader: &mut Reader, school: Uuid, after: DateTime<Utc>) -> Result<i64, Error> {
    let sql = "select count(*) from hold h
               join message m on m.school_id = h.school_id and m.id = h.message_id and m.state = 'held'
               where h.school_id = $1 and h.outcome is null and h.held_at > $2";
    Ok(reader.query_one(sql, &[&school, &after]).await?.get(0))
}

/// The first of them.
pub async fn list_waiting(
    reader: &mut Reader,
    school: Uuid,
    after: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<HeldMessage>, Error> {
    let sql = format!(
        "select m.id, m.thread_id, case when {BEGINNING} in ('visible', 'held') then t.subject end,
                      m.sender_id, p.given_name || ' ' || p.family_name, m.audience,
                      m.recipient_count, m.body, h.held_at, h.is_urgent, h.reasons
               from hold h
               join message m on m.school_id = h.school_id and m.id = h.message_id and m.state = 'held'
               join thread t on t.school_id = m.school_id and t.id = m.thread_id
               left join directory.person p on p.id = m.sender_id
               where h.school_id = $1 and h.outcome is null and h.held_at > $2
               order by h.is_urgent desc, h.message_id limit $3"
    );
    let rows = reader.query(&sql, &[&school, &after, &limit]).await?;
    let message = |row: &Row| {
        let held_at: DateTime<Utc> = row.get(8);
        Ok(HeldMessage {
            id: row.get(0),
            thread_id: row.get(1),
            subject: support_text::subject(row.get(2)),
            sender_id: row.get(3),
            sender_name: row.get(4),
            audience: row.get(5),
            recipient_count: row.get(6),
            body: row.get(7),
            held_at,
            until: held_at + HELD_FOR,
            is_urgent: row.get(9),
            reasons: row.try_get::<_, Json<Vec<Why>>>(10)?.0,
        })
    };
    rows.iter().map(message).collect()
}
