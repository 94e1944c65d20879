//! Settles how a message is sent: checked, stored once, delivered to everybody in the same transaction.

use serde::Serialize;
use shared::clock::SharedClock;
use shared::context::Context;
use shared::idempotency::{self, Answer, Begin, Claim};
use shared::ids;
use shared::pg::{Database, Transaction, Work};
use utoipa::ToSchema;
use uuid::Uuid;

use super::audience::Audience;
use super::reach::{Reach, reach};
use super::sender::Sender;
use crate::error::Error;
use crate::store;
use crate::store::message::NewMessage;

/// What a person writes.
pub struct Draft {
    /// Of a new thread.
    pub subject: Option<String>,
    /// An existing thread that this goes on.
    pub thread_id: Option<Uuid>,
    /// The text.
    pub body: String,
    /// Whom it is for.
    pub audience: Audience,
}

/// A message that is stored and delivered.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sent {
    id: Uuid,
    thread_id: Uuid,
    /// How many people received it.
    recipient_count: usize,
}

/// More recipients than this make a send a sensitive act: a session that was ended must not reach a whole class.
const SENSITIVE_FROM: usize = 10;

/// Sends, once under each key; when this returns, the message is durable and in every recipient's mailbox.
pub async fn send(
    database: &Database,
    context: &Context,
    sender: &Sender<'_>,
    draft: &Draft,
    claim: Option<&Claim>,
) -> Result<Answer, Error> {
    let mut transaction = database.begin(context, Work::Write).await?;
    let token = match idempotency::begin(&mut transaction, claim).await? {
        Begin::First(token) => token,
        Begin::Replay(answer) => return Ok(answer),
    };
    let sent = deliver(&mut transaction, sender, draft).await?;
    let answer = idempotency::finish(&mut transaction, token, Answer::created(&sent)).await?;
    transaction.commit().await?;
    Ok(answer)
}

async fn deliver(transaction: &mut Transaction, sender: &Sender<'_>, draft: &Draft) -> Result<Sent, Error> {
    let (school_id, sender_id) = (draft.audience.school_id(), sender.claims.sub);
    store::send_lock::share(transaction, school_id, sender_id).await?;
    let reach = reach(transaction, sender, &draft.audience).await?;
    if let Some(thread_id) = draft.thread_id
        && !store::thread::is_participant(transaction, school_id, thread_id, sender_id).await?
    {
        return Err(Error::ThreadNotFound);
    }
    if reach.recipients.len() > SENSITIVE_FROM {
        sender.may_be_sensitive?;
    }
    let new = new_message(transaction.context().clock(), sender_id, draft, &reach)?;
    store::message::insert(transaction, &new).await?;
    let recipient_count = new.recipients.len();
    Ok(Sent { id: new.id, thread_id: new.thread_id, recipient_count })
}

/// The row that a draft becomes. Without a thread it begins one, which needs a subject.
fn new_message<'a>(
    clock: &SharedClock,
    sender_id: Uuid,
    draft: &'a Draft,
    reach: &'a Reach,
) -> Result<NewMessage<'a>, Error> {
    let id = ids::new_id(&**clock);
    let (thread_id, subject) = match (draft.thread_id, &draft.subject) {
        (Some(thread_id), _) => (thread_id, None),
        (None, Some(subject)) => (id, Some(subject.as_str())),
        (None, None) => return Err(Error::SubjectMissing),
    };
    Ok(NewMessage {
        school_id: draft.audience.school_id(),
        id,
        thread_id,
        subject,
        sender_id,
        audience: &draft.audience,
        recipients: &reach.recipients,
        body: &draft.body,
        sent_at: clock.utc(),
    })
}
