//! Settles how threads are kept and seen, with what was withdrawn in its place.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::pg::{Error, Json, Reader, Row};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::hold::{HELD_DAYS, HELD_FOR, HoldView};
use crate::domain::message::State;
use crate::domain::support_text;

/// A message of a thread.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThreadMessage {
    id: Uuid,
    /// Absent where the message was withdrawn.
    sender_id: Option<Uuid>,
    /// Absent until the directory has told it, and where the message was withdrawn.
    sender_name: Option<String>,
    /// What was written; where the message was withdrawn, what to do and whom to ask.
    body: String,
    sent_at: DateTime<Utc>,
    recipient_count: i32,
    /// Of others, what is visible is here, and the place of what was seen and was withdrawn.
    state: State,
    /// Of the reader's own messages: why it waits, or what was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<HoldView>,
}

/// What became of the message that began the thread `t`: a subject can threaten as well, and was judged with that message. It has the
/// thread's id, by which no other is taken for it where clocks differ; in threads that were imported it is the oldest.
pub(super) const BEGINNING: &str = "coalesce(
    (select b.state from message b where b.school_id = t.school_id and b.id = t.id),
    (select b.state from message b where b.school_id = t.school_id and b.thread_id = t.id order by b.id limit 1))";

/// The subject of the thread `t` for the person `$2`: while people see the message that began it, and what its own sender wrote
/// as long as it was not withdrawn.
pub(super) fn subject() -> String {
    format!(
        "case {BEGINNING} when 'visible' then t.subject when 'recalled' then null
         else case when t.started_by = $2 then t.subject end end"
    )
}

/// Subject and messages of a thread, as far as the person may see them. `None` when that is nothing.
pub async fn find_view(
    reader: &mut Reader,
    schools: &[Uuid],
    person_id: Uuid,
    thread_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<(String, Vec<ThreadMessage>)>, Error> {
    // Recipients of what was held have never seen it: where it was withdrawn as well, there is no place for it.
    let sql = format!(
        "select {}, m.id, m.sender_id, p.given_name || ' ' || p.family_name, m.body, m.sent_at,
                m.recipient_count, to_jsonb(case when m.state = 'held' and h.held_at <= $4 then 'refused' else m.state end),
                s.name, w.contact,
                case when h.message_id is not null then jsonb_build_object(
                    'reasons', h.reasons, 'released_by', h.release, 'outcome', h.outcome, 'note', h.note,
                    'until', h.held_at + make_interval(days => {HELD_DAYS})) end
         from thread t
         join message m on m.school_id = t.school_id and m.thread_id = t.id
         left join directory.person p on p.id = m.sender_id
         left join directory.school s on s.id = m.school_id
         left join hold h on h.school_id = m.school_id and h.message_id = m.id and m.sender_id = $2
         left join lateral (
             select r.contact, c.state_before from recall_message c
             join recall r on r.school_id = c.school_id and r.id = c.recall_id
             where c.school_id = m.school_id and c.message_id = m.id and r.state <> 'restored'
             order by r.hidden_at desc, r.id desc limit 1) w on m.state = 'recalled'
         where t.school_id = any($1) and t.id = $3
           and (m.sender_id = $2
                or m.state in ('visible', 'recalled') and coalesce(w.state_before, 'visible') = 'visible' and exists (
                    select 1 from delivery d
                    where d.school_id = m.school_id and d.recipient_id = $2 and d.message_id = m.id))
         order by m.id desc limit 100",
        subject()
    );
    let rows = reader.query(&sql, &[&schools, &person_id, &thread_id, &(now - HELD_FOR)]).await?;
    let messages = rows.iter().rev().map(message).collect::<Result<Vec<_>, Error>>()?;
    Ok(rows.first().map(|row| (support_text::subject(row.get(0)), messages)))
}

fn message(row: &Row) -> Result<ThreadMessage, Error> {
    let Json(state) = row.try_get(7)?;
    let is_shown = state != State::Recalled;
    let instead = || support_text::support_text(row.get(8), row.get(9));
    Ok(ThreadMessage {
        id: row.get(1),
        sender_id: row.get::<_, Option<Uuid>>(2).filter(|_| is_shown),
        sender_name: row.get::<_, Option<String>>(3).filter(|_| is_shown),
        body: if is_shown { row.get(4) } else { instead() },
        sent_at: row.get(5),
        recipient_count: row.get(6),
        state,
        hold: row.try_get::<_, Option<Json<HoldView>>>(10)?.map(|hold| hold.0).filter(|_| is_shown),
    })
}
