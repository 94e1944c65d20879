//! Settles what people have sent, as they see it themselves.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::pg::{Error, Json, Reader, Row};
use utoipa::ToSchema;
use uuid::Uuid;

use super::thread::subject;
use crate::domain::audience::Audience;
use crate::domain::hold::HELD_FOR;
use crate::domain::message::State;
use crate::domain::support_text;

/// A message that one sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentMessage {
    /// The message.
    pub id: Uuid,
    thread_id: Uuid,
    school_id: Uuid,
    subject: String,
    /// Whom it is for, as they were named.
    audience: Audience,
    /// How many people that was.
    recipient_count: i32,
    sent_at: DateTime<Utc>,
    state: State,
}

/// Messages that a person sent and nobody withdrew, newest first, older than `after`.
pub async fn list(
    reader: &mut Reader,
    schools: &[Uuid],
    person_id: Uuid,
    (now, after, limit): (DateTime<Utc>, Uuid, i64),
) -> Result<Vec<SentMessage>, Error> {
    let sql = format!(
        "select m.id, m.thread_id, m.school_id, {}, m.audience, m.recipient_count, m.sent_at,
                to_jsonb(case when m.state = 'held' and h.held_at <= $5 then 'refused' else m.state end)
         from (select newest.* from unnest($1::uuid[]) as school(id)
               cross join lateral (
                   select m.* from message m
                   where m.school_id = school.id and m.sender_id = $2 and m.id < $3 and m.state <> 'recalled'
                   order by m.id desc limit $4) newest
               order by newest.id desc limit $4) m
         join thread t on t.school_id = m.school_id and t.id = m.thread_id
         left join hold h on h.school_id = m.school_id and h.message_id = m.id
         order by m.id desc",
        subject("$2")
    );
    let rows = reader.query(&sql, &[&schools, &person_id, &after, &limit, &(now - HELD_FOR)]).await?;
    rows.iter().map(message).collect()
}

fn message(row: &Row) -> Result<SentMessage, Error> {
    Ok(SentMessage {
        id: row.get(0),
        thread_id: row.get(1),
        school_id: row.get(2),
        subject: support_text::subject(row.get(3)),
        audience: row.try_get::<_, Json<Audience>>(4)?.0,
        recipient_count: row.get(5),
        sent_at: row.get(6),
        state: row.try_get::<_, Json<State>>(7)?.0,
    })
}
