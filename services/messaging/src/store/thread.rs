//! Settles how threads are kept and seen.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::pg::{Error, Json, Reader, Row};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::message::State;

/// A message of a thread.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThreadMessage {
    id: Uuid,
    sender_id: Uuid,
    /// Absent until the directory has told it.
    sender_name: Option<String>,
    body: String,
    sent_at: DateTime<Utc>,
    recipient_count: i32,
    /// Others see what is visible only.
    state: State,
}

/// Subject and messages of a thread, as far as the person may see them. `None` when that is nothing.
pub async fn find_view(
    reader: &mut Reader,
    schools: &[Uuid],
    person_id: Uuid,
    thread_id: Uuid,
) -> Result<Option<(String, Vec<ThreadMessage>)>, Error> {
    let sql = "select t.subject, m.id, m.sender_id, p.given_name || ' ' || p.family_name, m.body, m.sent_at,
                      m.recipient_count, to_jsonb(m.state)
               from thread t
               join message m on m.school_id = t.school_id and m.thread_id = t.id
               left join directory.person p on p.id = m.sender_id
               where t.school_id = any($1) and t.id = $3
                 and (m.sender_id = $2 and m.state in ('visible', 'held') or m.state = 'visible' and exists (
                     select 1 from delivery d
                     where d.school_id = m.school_id and d.recipient_id = $2 and d.message_id = m.id))
               order by m.id desc limit 100";
    let rows = reader.query(sql, &[&schools, &person_id, &thread_id]).await?;
    let message = |row: &Row| {
        Ok(ThreadMessage {
            id: row.get(1),
            sender_id: row.get(2),
            sender_name: row.get(3),
            body: row.get(4),
            sent_at: row.get(5),
            recipient_count: row.get(6),
            state: row.try_get::<_, Json<State>>(7)?.0,
        })
    };
    let messages = rows.iter().rev().map(message).collect::<Result<Vec<_>, Error>>()?;
    Ok(rows.first().map(|row| (row.get(0), messages)))
}
