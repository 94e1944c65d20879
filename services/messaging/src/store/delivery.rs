//! Settles who received what and whether they have read it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::pg::{Error, Reader, Row, ToSql, Transaction};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::audience::Audience;

/// A message in an inbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxMessage {
    /// The message.
    pub id: Uuid,
    thread_id: Uuid,
    school_id: Uuid,
    subject: String,
    /// Absent until the directory has told it.
    sender_name: Option<String>,
    sent_at: DateTime<Utc>,
    read: bool,
}

const INSERT: &str = "insert into delivery (school_id, recipient_id, message_id, thread_id)
    select $1, person_id, $2, $3 from recipients where person_id <> $4";

/// Delivers a message to an audience, but not to its sender: one statement, however many they are. Returns how many.
pub async fn insert(
    transaction: &mut Transaction,
    audience: &Audience,
    message_id: Uuid,
    thread_id: Uuid,
    sender_id: Uuid,
) -> Result<i32, Error> {
    let school_id = audience.school_id();
    let common: [&(dyn ToSql + Sync); 4] = [&school_id, &message_id, &thread_id, &sender_id];
    let count = match audience {
        Audience::People { ids, .. } => {
            let sql = format!(
                "with recipients as (select distinct person_id from directory.membership
                                     where school_id = $1 and person_id = any($5)) {INSERT}"
            );
            transaction.execute(&sql, &[&common[..], &[ids]].concat()).await?
        }
        Audience::Role { role, .. } => {
            let sql = format!(
                "with recipients as (select person_id from directory.membership
                                     where school_id = $1 and role = $5) {INSERT}"
            );
            transaction.execute(&sql, &[&common[..], &[&role.name()]].concat()).await?
        }
        Audience::Group { id, parts, .. } => {
            let sql = format!(
                "with recipients as (
                     select person_id from roster.enrolment where school_id = $1 and group_id = $5 and part = any($6)
                     union
                     select g.guardian_id from roster.enrolment e
                       join directory.guardianship g on g.school_id = e.school_id and g.student_id = e.person_id
                       where e.school_id = $1 and e.group_id = $5 and e.part = 'student' and 'guardian' = any($6)
                 ) {INSERT}"
            );
            let parts: Vec<&str> = parts.iter().map(|part| part.name()).collect();
            transaction.execute(&sql, &[&common[..], &[id, &parts]].concat()).await?
        }
    };
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}

/// A page of the inbox, newest first, of messages older than `before`.
pub async fn list_inbox(
    reader: &mut Reader,
    schools: &[Uuid],
    person_id: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<InboxMessage>, Error> {
    let sql =
        "select m.id, m.thread_id, m.school_id, t.subject, p.given_name || ' ' || p.family_name, m.sent_at,
                      d.read_at is not null
               from delivery d
               join message m on m.school_id = d.school_id and m.id = d.message_id and m.state = 'visible'
               join thread t on t.school_id = m.school_id and t.id = m.thread_id
               left join directory.person p on p.id = m.sender_id
               where d.school_id = any($1) and d.recipient_id = $2 and d.message_id < $3
               order by d.message_id desc limit $4";
    let rows = reader.query(sql, &[&schools, &person_id, &before, &limit]).await?;
    let message = |row: &Row| InboxMessage {
        id: row.get(0),
        thread_id: row.get(1),
        school_id: row.get(2),
        subject: row.get(3),
        sender_name: row.get(4),
        sent_at: row.get(5),
        read: row.get(6),
    };
    Ok(rows.iter().map(message).collect())
}

/// How many visible messages the person has not read: counted, never kept, so that it cannot be wrong.
pub async fn count_unread(reader: &mut Reader, schools: &[Uuid], person_id: Uuid) -> Result<i64, Error> {
    let sql = "select count(*) from delivery d
               join message m on m.school_id = d.school_id and m.id = d.message_id and m.state = 'visible'
               where d.school_id = any($1) and d.recipient_id = $2 and d.read_at is null";
    Ok(reader.query_one(sql, &[&schools, &person_id]).await?.get(0))
}

/// Marks a thread's deliveries as read. False when the person has none in it.
pub async fn update_read(
    transaction: &mut Transaction,
    schools: &[Uuid],
    person_id: Uuid,
    thread_id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let exists = "select exists (select 1 from delivery
                                 where school_id = any($1) and recipient_id = $2 and thread_id = $3)";
    if !transaction.query_one(exists, &[&schools, &person_id, &thread_id]).await?.get::<_, bool>(0) {
        return Ok(false);
    }
    let sql = "update delivery set read_at = $4
               where school_id = any($1) and recipient_id = $2 and thread_id = $3 and read_at is null";
    transaction.execute(sql, &[&schools, &person_id, &thread_id, &now]).await?;
    Ok(true)
}
