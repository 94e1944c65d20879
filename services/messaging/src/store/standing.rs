//! Settles what is read of a school and a sender before a message is judged: one statement, under the locks of the send.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Transaction};
use uuid::Uuid;

use super::restriction::{IN_FORCE, restrictions};
use crate::domain::restriction::Restriction;

/// A message that is to be judged.
pub struct Question<'a> {
    /// The school.
    pub school_id: Uuid,
    /// When.
    pub now: DateTime<Utc>,
    /// Who sends.
    pub sender_id: Uuid,
    /// The epoch of the sender's session.
    pub epoch: i64,
    /// The thread that it goes on.
    pub thread_id: Option<Uuid>,
    /// Whom it reaches.
    pub recipients: &'a [Uuid],
}

/// How things stand.
pub struct Standing {
    /// Whether the sender may go on with the thread: they sent in it, or received something that they can see.
    pub is_participant: bool,
    /// Whether everybody reached has written to the sender in the thread.
    pub is_reply: bool,
    /// The subject of the thread.
    pub subject: Option<String>,
    /// Whether the sender's account is being secured, and this session is none of those that came after that.
    pub is_contained: bool,
    /// What is in force in the school.
    pub restrictions: Vec<Restriction>,
}

/// A message `m` of the thread that the sender can see.
const SEEN: &str = "message m join delivery d on d.school_id = m.school_id and d.message_id = m.id
    where m.school_id = $1 and m.thread_id = $4 and m.state = 'visible' and d.recipient_id = $3";

/// How things stand for a message.
pub async fn find(transaction: &mut Transaction, question: &Question<'_>) -> Result<Standing, Error> {
    let sql = format!(
        "select $4::uuid is null or exists (select 1 from {SEEN})
                or exists (select 1 from message where school_id = $1 and thread_id = $4 and sender_id = $3),
                $4::uuid is not null and $5::uuid[] <@ array(select m.sender_id from {SEEN}),
                ({IN_FORCE}),
                exists (select 1 from contained_account c
                        where c.person_id = $3 and (c.epoch is null or c.epoch > $6)
                          and (c.lapses_at is null or c.lapses_at > $2)),
                (select subject from thread where school_id = $1 and id = $4)"
    );
    let Question { school_id, now, sender_id, epoch, thread_id, recipients } = question;
    let row = transaction.query_one(&sql, &[school_id, now, sender_id, thread_id, recipients, epoch]).await?;
    Ok(Standing {
        is_participant: row.get(0),
        is_reply: row.get(1),
        restrictions: restrictions(&row, 2)?,
        is_contained: row.get(3),
        subject: row.get(4),
    })
}
