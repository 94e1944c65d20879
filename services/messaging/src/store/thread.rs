//! Settles how threads are kept and seen, with what was withdrawn in its place.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::pg::{Error, Json, Reader, Row};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::hold::{HELD_DAYS, HELD_FOR, HoldView};
use crate::domain::message::State;
use crate::domain::page::Wanted;
use crate::domain::support_text;

/// A message of a thread.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThreadMessage {
    /// The message.
    pub id: Uuid,
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

/// The subject of the thread `t` for a person: while people see the message that began it, and what its own sender wrote
/// as long as it was not withdrawn.
pub(super) fn subject(person: &str) -> String {
    format!(
        "case {BEGINNING} when 'visible' then t.subject when 'recalled' then null
         else case when t.started_by = {person} then t.subject end end"
    )
}

/// Subject of a thread, and messages of it, newest first, as far as the person may see them. `None` when that is nothing.
pub async fn find_view(
    reader: &mut Reader,
    schools: &[Uuid],
    person_id: Uuid,
    thread_id: Uuid,
    now: DateTime<Utc>,
    wanted: &Wanted,
) -> Result<Option<(String, Vec<ThreadMessage>)>, Error> {
    // Recipients of what was held have never seen it: where it was withdrawn as well, there is no place for it. Only the person's own
    // part is read, in the order of its two indexes: what others wrote to each other in a thread of a whole school costs nothing.
    let sql = format!(
        "select {}, m.id, m.sender_id, p.given_name || ' ' || p.family_name, m.body, m.sent_at,
                m.recipient_count, to_jsonb(case when m.state = 'held' and h.held_at <= $6 then 'refused' else m.state end),
                s.name, m.contact,
                case when h.message_id is not null then jsonb_build_object(
                    'reasons', h.reasons, 'released_by', h.release, 'outcome', h.outcome, 'note', h.note,
                    'until', h.held_at + make_interval(days => {HELD_DAYS})) end
         from thread t
         cross join lateral (
             select m.*, w.contact
             from ((select message_id as id from delivery
                    where school_id = t.school_id and recipient_id = $2 and thread_id = t.id and message_id < $4
                    order by message_id desc)
                   union all
                   (select id from message
                    where school_id = t.school_id and thread_id = t.id and sender_id = $2 and id < $4
                    order by id desc)) mine
             join message m on m.school_id = t.school_id and m.id = mine.id
             left join lateral (
                 select r.contact, c.state_before from recall_message c
                 join recall r on r.school_id = c.school_id and r.id = c.recall_id
                 where c.school_id = m.school_id and c.message_id = m.id and r.state <> 'restored'
                 order by r.hidden_at desc, r.id desc limit 1) w on m.state = 'recalled'
             where m.sender_id = $2
                   or m.state in ('visible', 'recalled') and coalesce(w.state_before, 'visible') = 'visible'
             order by mine.id desc limit $5) m
         left join directory.person p on p.id = m.sender_id
         left join directory.school s on s.id = t.school_id
         left join hold h on h.school_id = m.school_id and h.message_id = m.id and m.sender_id = $2
         where t.school_id = any($1) and t.id = $3
         order by m.id desc",
        subject("$2")
    );
    let (after, limit, held_since) = (wanted.after(), wanted.sought(), now - HELD_FOR);
    let rows = reader.query(&sql, &[&schools, &person_id, &thread_id, &after, &limit, &held_since]).await?;
    let messages = rows.iter().map(message).collect::<Result<Vec<_>, Error>>()?;
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
