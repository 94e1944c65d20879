//! Settles how a message is sent: checked, stored once, delivered to everybody in the same transaction.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::ablation::Ablation;
use shared::clock::SharedClock;
use shared::context::Context;
use shared::http::{Failure, ProblemBody};
use shared::idempotency::{self, Answer, Begin, Claim};
use shared::ids;
use shared::pg::{Database, Transaction, Work};
use utoipa::ToSchema;
use uuid::Uuid;

use super::audience::Audience;
use super::climate::Climates;
use super::detection::fingerprint::Fingerprint;
use super::detection::normalise::NormalText;
use super::detection::priority::{Priority, priority};
use super::hold::{HoldView, Why};
use super::judgement::{Judged, Ready, judge};
use super::policy::Policies;
use super::sender::Sender;
use crate::error::{Error, RecallError};
use crate::store;
use crate::store::message::NewMessage;
use crate::store::text::{Kind, Told};

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
    /// Why it waits, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<HoldView>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is in the mailboxes of its recipients.
    Visible,
    /// Its recipients do not see it: it waits until somebody has looked at it.
    Held,
    /// It was withdrawn: where its recipients saw it they read what to do.
    Recalled,
    /// Somebody has looked at it, and it goes to nobody; or nobody has for too long.
    Refused,
}

impl State {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::Held => "held",
            Self::Recalled => "recalled",
            Self::Refused => "refused",
        }
    }
}

/// What a send goes by. Cloning shares it.
#[derive(Clone)]
pub struct Dispatch {
    /// Where messages are.
    pub database: Database,
    /// What schools have decided.
    pub policies: Policies,
    /// Who has been sending lately.
    pub climates: Climates,
    /// What makes a second look urgent.
    pub phrases: Arc<[NormalText]>,
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
    let ready = Ready::make(dispatch, context, draft).await?;
    let mut transaction = dispatch.database.begin(context, Work::Write).await?;
    let token = match idempotency::begin(&mut transaction, claim).await? {
        Begin::First(token) => token,
        Begin::Replay(answer) => return Ok(answer),
    };
    let sent = deliver(&mut transaction, dispatch, ready, sender, draft).await?;
    let answer = match sent.state {
        State::Visible => Answer::created(&sent),
        State::Held | State::Recalled | State::Refused => Answer::accepted(&sent),
    };
    let answer = idempotency::finish(&mut transaction, token, answer).await?;
    transaction.commit().await?;
    Ok(answer)
}

async fn deliver(
    transaction: &mut Transaction,
    dispatch: &Dispatch,
    ready: Ready,
    sender: &Sender<'_>,
    draft: &Draft,
) -> Result<Sent, Error> {
    let judged = judge(transaction, dispatch, ready, sender, draft).await?;
    let clock = transaction.context().clock().clone();
    let (school_id, sender_id) = (draft.audience.school_id(), sender.claims.sub);
    if let Some(quoted) = draft.quotes
        && !store::message::hold_quoted(transaction, school_id, quoted, sender_id).await?
    {
        return Err(RecallError::QuotedNotFound.into());
    }
    let new = new_message(&clock, sender_id, draft, &judged)?;
    store::message::insert(transaction, &new).await?;
    if judged.has_contacts {
        let (place, is_held) = ((school_id, sender_id), judged.hold.is_some());
        store::usage::remember(transaction, place, new.recipients, new.sent_at, is_held).await?;
    }
    let place = (school_id, new.id);
    if let Some(fingerprint) = judged.text.fingerprint.clone() {
        let told = Told { sender_id, message_id: new.id, fingerprint };
        store::text::insert(transaction, school_id, &[told], Kind::Sent).await?;
    }
    if let Some(hold) = &judged.hold {
        let is_urgent = priority(&judged.text.normal, &dispatch.phrases) == Priority::First;
        store::hold::insert(transaction, place, (hold, is_urgent), &judged.letter, new.sent_at).await?;
    }
    let hold = judged.hold.as_ref().map(|hold| HoldView::new(hold, new.sent_at));
    let recipient_count = new.recipients.len();
    Ok(Sent { id: new.id, thread_id: new.thread_id, recipient_count, state: new.state, hold })
}

/// What would become of a message, without sending it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Prospect {
    /// Whether it would be taken.
    is_allowed: bool,
    /// Where it would be taken: to how many people it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_count: Option<usize>,
    /// Where it would be taken: what becomes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    /// Where it would wait: why, as far as that can be told without the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<Vec<Why>>,
    /// Where it would not: what sending would be answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<ProblemBody>,
}

/// Says beforehand what would become of a message: the same judgement, and nothing is written.
pub async fn foresee(
    dispatch: &Dispatch,
    context: &Context,
    sender: &Sender<'_>,
    draft: &Draft,
) -> Result<Prospect, Error> {
    let ready = Ready::make(dispatch, context, draft).await?;
    let mut transaction = dispatch.database.begin(context, Work::Write).await?;
    let nothing =
        Prospect { is_allowed: false, recipient_count: None, state: None, hold: None, why_not: None };
    match judge(&mut transaction, dispatch, ready, sender, draft).await {
        Ok(judged) => Ok(Prospect {
            is_allowed: true,
            recipient_count: Some(judged.reach.recipients.len()),
            state: Some(judged.state()),
            hold: judged.hold.map(|hold| hold.reasons),
            ..nothing
        }),
        Err(error) if error.retryable() => Err(error),
        Err(error) => Ok(Prospect { why_not: Some(error.problem().body()), ..nothing }),
    }
}

/// The row that a draft becomes. Without a thread it begins one, which needs a subject.
fn new_message<'a>(
    clock: &SharedClock,
    sender_id: Uuid,
    draft: &'a Draft,
    judged: &'a Judged,
) -> Result<NewMessage<'a>, Error> {
    let id = ids::new_id(&**clock);
    let (thread_id, subject) = match (draft.thread_id, &draft.subject) {
        (Some(_), Some(_)) => return Err(Error::SubjectOfThread),
        (Some(thread_id), None) => (thread_id, None),
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
        recipients: &judged.reach.recipients,
        quotes_id: draft.quotes,
        body: &draft.body,
        sent_at: clock.utc(),
        state: judged.state(),
        fingerprint: judged.text.fingerprint.as_ref().map(Fingerprint::to_bytes),
        look: &judged.look,
    })
}
