//! Settles how a message is sent: checked, stored once, delivered to everybody in the same transaction.

use serde::Serialize;
use shared::context::Context;
use shared::http::Caller;
use shared::idempotency::{self, Answer, Begin, Claim};
use shared::ids;
use shared::pg::{Database, Transaction, Work};
use shared::session::{Claims, Role};
use utoipa::ToSchema;
use uuid::Uuid;

use super::audience::Audience;
use super::communication_rule::{Target, check};
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
    recipient_count: i32,
}

/// More recipients than this make a send a sensitive act: a session that was ended must not reach a whole class.
const SENSITIVE_FROM: i32 = 10;

/// Sends, once under each key; when this returns, the message is durable and in every recipient's mailbox.
pub async fn send(
    database: &Database,
    context: &Context,
    sender: &Caller,
    draft: Draft,
    claim: Option<&Claim>,
) -> Result<Answer, Error> {
    let mut transaction = database.begin(context, Work::Write).await?;
    let token = match idempotency::begin(&mut transaction, claim).await? {
        Begin::First(token) => token,
        Begin::Replay(answer) => return Ok(answer),
    };
    let sent = deliver(&mut transaction, context, sender, draft).await?;
    let answer = idempotency::finish(&mut transaction, token, Answer::created(&sent)).await?;
    transaction.commit().await?;
    Ok(answer)
}

async fn deliver(
    transaction: &mut Transaction,
    context: &Context,
    sender: &Caller,
    draft: Draft,
) -> Result<Sent, Error> {
    refuse_unless_allowed(transaction, sender, &draft.audience).await?;
    let school_id = draft.audience.school_id();
    let now = context.clock().utc();
    let id = ids::new_id(&**context.clock());
    let thread_id = match (draft.thread_id, draft.subject) {
        (Some(thread_id), _) => {
            let is_part =
                store::thread::is_participant(transaction, school_id, thread_id, sender.sub).await?;
            if is_part { thread_id } else { return Err(Error::ThreadNotFound) }
        }
        (None, Some(subject)) => {
            store::thread::insert(transaction, school_id, id, &subject, sender.sub, now).await?;
            id
        }
        (None, None) => return Err(Error::SubjectMissing),
    };
    let audience = &draft.audience;
    let recipient_count = store::delivery::insert(transaction, audience, id, thread_id, sender.sub).await?;
    if recipient_count == 0 {
        return Err(Error::NoRecipients);
    }
    if recipient_count > SENSITIVE_FROM {
        sender.may_be_sensitive()?;
    }
    let new = NewMessage {
        school_id,
        id,
        thread_id,
        sender_id: sender.sub,
        recipient_count,
        body: draft.body,
        sent_at: now,
    };
    store::message::insert(transaction, &new, audience).await?;
    Ok(Sent { id, thread_id, recipient_count })
}

async fn refuse_unless_allowed(
    transaction: &mut Transaction,
    sender: &Claims,
    audience: &Audience,
) -> Result<(), Error> {
    let roles = roles_in(sender, audience.school_id());
    match audience {
        Audience::Role { role, .. } => check(&roles, &Target::Role(*role)).map_err(Error::Refused),
        Audience::Group { school_id, id, parts } => {
            let relation = store::roster::group_relation(transaction, *school_id, *id, sender.sub).await?;
            let relation = relation.ok_or(Error::GroupNotFound)?;
            check(&roles, &Target::Group(relation, parts.clone())).map_err(Error::Refused)
        }
        Audience::People { school_id, ids } => {
            let relations = store::roster::person_relations(transaction, *school_id, ids, sender.sub).await?;
            if !ids.iter().all(|id| relations.contains_key(id)) {
                return Err(Error::UnknownRecipient);
            }
            let mut targets = relations.into_values().map(Target::Person);
            targets.try_for_each(|target| check(&roles, &target)).map_err(Error::Refused)
        }
    }
}

/// The sender's roles in one school: what they are elsewhere does not count there.
pub fn roles_in(sender: &Claims, school_id: Uuid) -> Vec<Role> {
    sender
        .mem
        .iter()
        .filter(|membership| membership.school == school_id)
        .map(|membership| membership.role)
        .collect()
}
