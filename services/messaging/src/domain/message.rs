//! Settles how a message is sent: checked, stored once, delivered to everybody in the same transaction.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ablation::{Ablation, Part};
use shared::clock::SharedClock;
use shared::context::Context;
use shared::idempotency::{self, Answer, Begin, Claim};
use shared::ids;
use shared::pg::{Database, Transaction, Work};
use utoipa::ToSchema;
use uuid::Uuid;

use super::audience::Audience;
use super::reach::{Reach, reach};
use super::restriction::{self, Letter, Passage};
use super::sender::{Sender, roles_in};
use crate::error::{Error, RecallError, RestrictionError};
use crate::store;
use crate::store::message::NewMessage;
use crate::store::standing::{Question, Standing};

/// What a person writes.
pub struct Draft {
    /// Of a new thread.
    pub subject: Option<String>,
    /// An existing thread that this goes on.
    pub thread_id: Option<Uuid>,
    /// A message whose text this one repeats.
    pub quotes: Option<Uuid>,
    /// The text.
    pub body: String,
    /// Whom it is for.
    pub audience: Audience,
}

/// A message that is stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sent {
    id: Uuid,
    thread_id: Uuid,
    /// How many people receive it.
    recipient_count: usize,
    state: State,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is in the mailboxes of its recipients.
    Visible,
    /// Its recipients do not see it: it waits until somebody of the school has looked at it.
    Held,
    /// It was withdrawn: where its recipients saw it they read what to do.
    Recalled,
}

impl State {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::Held => "held",
            Self::Recalled => "recalled",
        }
    }
}

/// More recipients than this make a send a sensitive act: a session that was ended must not reach a whole class.
const SENSITIVE_FROM: usize = 10;

/// What a send goes by. Cloning shares it.
#[derive(Clone)]
pub struct Dispatch {
    /// Where messages are.
    pub database: Database,
    /// What proofs have taken away.
    pub ablation: Ablation,
}

/// Sends, once under each key; when this returns, the message is durable, and in every recipient's mailbox unless it is held.
pub async fn send(
    dispatch: &Dispatch,
    context: &Context,
    sender: &Sender<'_>,
    draft: &Draft,
    claim: Option<&Claim>,
) -> Result<Answer, Error> {
    let mut transaction = dispatch.database.begin(context, Work::Write).await?;
    let token = match idempotency::begin(&mut transaction, claim).await? {
        Begin::First(token) => token,
        Begin::Replay(answer) => return Ok(answer),
    };
    let sent = deliver(&mut transaction, dispatch, sender, draft).await?;
    let answer = match sent.state {
        State::Visible => Answer::created(&sent),
        State::Held | State::Recalled => Answer::accepted(&sent),
    };
    let answer = idempotency::finish(&mut transaction, token, answer).await?;
    transaction.commit().await?;
    Ok(answer)
}

/// Everything that decides is read under the locks, so that what is closed meanwhile closes this send too, or waits for it.
async fn deliver(
    transaction: &mut Transaction,
    dispatch: &Dispatch,
    sender: &Sender<'_>,
    draft: &Draft,
) -> Result<Sent, Error> {
    let (school_id, sender_id) = (draft.audience.school_id(), sender.claims.sub);
    let clock = transaction.context().clock().clone();
    let now = clock.utc();
    store::send_lock::share(transaction, school_id, sender_id).await?;
    let reach = reach(transaction, sender, &draft.audience).await?;
    let (thread_id, recipients) = (draft.thread_id, reach.recipients.as_slice());
    let question = Question { school_id, now, sender_id, epoch: sender.claims.ep, thread_id, recipients };
    let standing = store::standing::find(transaction, &question).await?;
    if standing.is_contained && !dispatch.ablation.removes(Part::Revocation) {
        return Err(RecallError::AccountContained.into());
    }
    if !standing.is_participant {
        return Err(Error::ThreadNotFound);
    }
    if recipients.len() > SENSITIVE_FROM {
        sender.may_be_sensitive?;
    }
    let sender_roles = roles_in(sender.claims, school_id);
    let letter = Letter { sender_roles, recipient_roles: reach.kinds.clone(), is_reply: standing.is_reply };
    let state = if dispatch.ablation.removes(Part::Restriction) {
        State::Visible
    } else {
        as_restricted(&standing, &letter, now)?
    };
    if let Some(quoted) = draft.quotes
        && !store::message::hold_quoted(transaction, school_id, quoted, sender_id).await?
    {
        return Err(RecallError::QuotedNotFound.into());
    }
    let new = NewMessage { state, ..new_message(&clock, sender_id, draft, &reach)? };
    store::message::insert(transaction, &new).await?;
    Ok(Sent { id: new.id, thread_id: new.thread_id, recipient_count: recipients.len(), state })
}

/// What restrictions make of a message.
fn as_restricted(standing: &Standing, letter: &Letter, now: DateTime<Utc>) -> Result<State, Error> {
    match restriction::judge(&standing.restrictions, letter) {
        Passage::Free => Ok(State::Visible),
        Passage::Held => Ok(State::Held),
        Passage::Refused(by) => {
            Err(RestrictionError::Restricted { restriction: Box::new(by.clone()), now }.into())
        }
    }
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
        quotes_id: draft.quotes,
        body: &draft.body,
        sent_at: clock.utc(),
        state: State::Visible,
    })
}
