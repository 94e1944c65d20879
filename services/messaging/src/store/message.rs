//! Settles how a message is stored and delivered: one body and one row per recipient, in one statement.

use chrono::{DateTime, Utc};
use shared::pg::{Error, ToSql, Transaction};
use uuid::Uuid;

use crate::domain::audience::Audience;
use crate::domain::message::State;
use crate::domain::second_look::Look;

/// A message to be.
pub struct NewMessage<'a> {
    /// The school.
    pub school_id: Uuid,
    /// The message.
    pub id: Uuid,
    /// Its thread: an older one, or one that has the id of the message and begins with it.
    pub thread_id: Uuid,
    /// What the thread that begins is about.
    pub subject: Option<&'a str>,
    /// The sender.
    pub sender_id: Uuid,
    /// Whom it is for, as the sender named them.
    pub audience: &'a Audience,
    /// Who they are.
    pub recipients: &'a [Uuid],
    /// The message whose text it repeats.
    pub quotes_id: Option<Uuid>,
    /// The text.
    pub body: &'a str,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
    /// What becomes of it.
    pub state: State,
    /// Of its text, if it is long enough to be compared.
    pub fingerprint: Option<Vec<u8>>,
    /// What was seen when it was looked at.
    pub look: &'a Look,
}

/// Holds a message that somebody quotes until they have: it is not withdrawn in between. False when it is not there for them.
pub async fn hold_quoted(
    transaction: &mut Transaction,
    school_id: Uuid,
    id: Uuid,
    person_id: Uuid,
) -> Result<bool, Error> {
    let sql = "select 1 from message m
               where m.school_id = $1 and m.id = $2 and m.state = 'visible'
                 and (m.sender_id = $3 or exists (
                     select 1 from delivery d
                     where d.school_id = m.school_id and d.recipient_id = $3 and d.message_id = m.id))
               for share";
    Ok(!transaction.query(sql, &[&school_id, &id, &person_id]).await?.is_empty())
}

/// Stores a message with all its deliveries, and the thread that it begins.
pub async fn insert(transaction: &mut Transaction, new: &NewMessage<'_>) -> Result<(), Error> {
    let sql = "with begun as (
                   insert into thread (school_id, id, subject, started_by, started_at)
                   select $1, $2, $4, $5, $6 where $4::text is not null),
               sent as (
                   insert into message (school_id, id, thread_id, sender_id, sent_at, audience, recipient_count, body, state, quotes_id,
                                        fingerprint, audience_mark, is_noticed, is_newcomer)
                   values ($1, $2, $3, $5, $6, $7, cardinality($8::uuid[]), $9, $10, $11, $12, $13, $14, $15)),
               told as (
                   insert into mail_event (school_id, kind, message_id) select $1, 'sent', $2 where $10 = 'visible')
               insert into delivery (school_id, recipient_id, message_id, thread_id)
               select $1, recipient, $2, $3 from unnest($8::uuid[]) recipient";
    let audience = serde_json::to_value(new.audience).unwrap_or_default();
    let params: [&(dyn ToSql + Sync); 15] = [
        &new.school_id,
        &new.id,
        &new.thread_id,
        &new.subject,
        &new.sender_id,
        &new.sent_at,
        &audience,
        &new.recipients,
        &new.body,
        &new.state.name(),
        &new.quotes_id,
        &new.fingerprint,
        &new.look.audience,
        &new.look.judgement.is_noticed,
        &new.look.judgement.is_newcomer,
    ];
    transaction.execute(sql, &params).await.map(|_| ())
}
