//! Settles what is read of messages for evidence, and how they are kept sealed.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use shared::evidence::Sealed;
use shared::pg::{Error, Json, Reader, Row, Transaction};
use uuid::Uuid;

/// A message without its text.
#[derive(Debug, Clone, Serialize)]
pub struct SentMessage {
    /// The message.
    pub id: Uuid,
    /// Where.
    pub school_id: Uuid,
    /// Its thread.
    pub thread_id: Uuid,
    /// Who sent it.
    pub sender_id: Uuid,
    /// When.
    pub sent_at: DateTime<Utc>,
    /// What recipients see of it: `visible`, `held` or `recalled`.
    pub state: String,
    /// How many have it.
    pub recipients: i64,
    /// How many of them have read it.
    pub read_by: i64,
}

/// What accounts have sent in a window, and what recalls have withdrawn, in schools (all, when there are none), the oldest
/// first.
pub async fn find_sent(
    reader: &mut Reader,
    (senders, recalls): (&[Uuid], &[Uuid]),
    schools: &[Uuid],
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    limit: i64,
) -> Result<Vec<SentMessage>, Error> {
    let sql = "with wanted as (
                   select school_id, id from message where sender_id = any($1) and sent_at >= $3 and sent_at < $4
                   union
                   select c.school_id, c.message_id from recall r
                   join recall_message c on c.school_id = r.school_id and c.recall_id = r.id where r.id = any($6))
               select m.id, m.school_id, m.thread_id, m.sender_id, m.sent_at, m.state, m.recipient_count::bigint,
                      (select count(*) from delivery d
                       where d.school_id = m.school_id and d.message_id = m.id and d.read_at is not null)
               from wanted join message m using (school_id, id)
               where cardinality($2::uuid[]) = 0 or school_id = any($2)
               order by m.sent_at, m.id limit $5";
    let rows = reader.query(sql, &[&senders, &schools, &from, &until, &limit, &recalls]).await?;
    Ok(rows.iter().map(sent).collect())
}

fn sent(row: &Row) -> SentMessage {
    SentMessage {
        id: row.get(0),
        school_id: row.get(1),
        thread_id: row.get(2),
        sender_id: row.get(3),
        sent_at: row.get(4),
        state: row.get(5),
        recipients: row.get(6),
        read_by: row.get(7),
    }
}

/// Who has a message, and since when they have read it.
#[derive(Debug, Serialize)]
pub struct Copy {
    message_id: Uuid,
    recipient_id: Uuid,
    read_at: Option<DateTime<Utc>>,
}

/// The copies of some messages of one school.
pub async fn find_copies(reader: &mut Reader, school: Uuid, messages: &[Uuid]) -> Result<Vec<Copy>, Error> {
    let sql = "select message_id, recipient_id, read_at from delivery
               where school_id = $1 and message_id = any($2) order by message_id, recipient_id";
    let copy = |row: &Row| Copy { message_id: row.get(0), recipient_id: row.get(1), read_at: row.get(2) };
    Ok(reader.query(sql, &[&school, &messages]).await?.iter().map(copy).collect())
}

/// The texts of some messages of one school that are not sealed for an incident yet: message, and what is to be sealed.
pub async fn find_unsealed(
    transaction: &mut Transaction,
    incident: Uuid,
    school: Uuid,
    messages: &[Uuid],
) -> Result<Vec<(Uuid, Value)>, Error> {
    let sql = "select m.id, jsonb_build_object('message_id', m.id, 'school_id', m.school_id, 'thread_id', m.thread_id,
                   'sender_id', m.sender_id, 'sent_at', m.sent_at, 'subject', t.subject, 'body', m.body)
               from message m join thread t on t.school_id = m.school_id and t.id = m.thread_id
               where m.school_id = $2 and m.id = any($3) and m.body_deleted_at is null and not exists (
                   select 1 from sealed_message s
                   where s.incident_id = $1 and s.school_id = m.school_id and s.message_id = m.id)
               order by m.id";
    let rows = transaction.query(sql, &[&incident, &school, &messages]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Keeps sealed messages of one school; one that is sealed already stays as it is.
pub async fn insert_sealed(
    transaction: &mut Transaction,
    (incident, school): (Uuid, Uuid),
    sealed: &[(Uuid, Sealed)],
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    let sql = "insert into sealed_message (incident_id, school_id, message_id, sealed, sealed_at)
               select $1, $2, message, sealed, $5 from unnest($3::uuid[], $4::jsonb[]) s(message, sealed)
               on conflict do nothing";
    let ids: Vec<Uuid> = sealed.iter().map(|(id, _)| *id).collect();
    let texts: Vec<Json<&Sealed>> = sealed.iter().map(|(_, sealed)| Json(sealed)).collect();
    transaction.execute(sql, &[&incident, &school, &ids, &texts, &now]).await
}

/// A page of what is sealed for an incident, after a message: school, message and its boxes.
pub async fn find_sealed(
    reader: &mut Reader,
    incident: Uuid,
    after: (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<(Uuid, Uuid, Sealed)>, Error> {
    let sql = "select school_id, message_id, sealed from sealed_message
               where incident_id = $1 and (school_id, message_id) > ($2, $3) order by school_id, message_id limit $4";
    let rows = reader.query(sql, &[&incident, &after.0, &after.1, &limit]).await?;
    rows.iter().map(|row| Ok((row.get(0), row.get(1), row.try_get::<_, Json<Sealed>>(2)?.0))).collect()
}
