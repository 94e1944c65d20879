//! Settles how held messages are looked at: by the people of the school who may, or by their own sender with a one-time code.
//!
//! Under the locks of a send, a release is judged by what has happened since: what is closed now, whether the account was secured,
//! whether such a text was refused. Reviewers see held messages and no others. Nobody reviews their own. What a reviewer decides is remembered of the text: the
//! like is refused, or not compared, afterwards (`detection::window`).

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use shared::audit::{Actor, Order};
use shared::context::Context;
use shared::pg::{Database, Transaction, Work};
use shared::session::Claims;
use utoipa::ToSchema;
use uuid::Uuid;

use super::detection::window;
use super::hold::{HELD_FOR, Outcome, ReleasedBy};
use super::restriction::{Passage, judge};
use crate::error::{Error, HoldError, RecallError, RestrictionError};
use crate::store;
use crate::store::hold::{Decision, HeldMessage, Waiting};
use crate::store::text::Kind;

/// Held messages shown at once; the next ones move up when these are decided.
const SHOWN: i64 = 100;

/// What waits in a school.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewQueue {
    /// How many wait.
    waiting_count: i64,
    /// The first 100: those with a phrase of the installation's list, then the oldest.
    messages: Vec<HeldMessage>,
}

/// What waits in a school now.
pub async fn list(database: &Database, context: &Context, school: Uuid) -> Result<ReviewQueue, Error> {
    let mut reader = database.read(context).await?;
    let after = context.clock().utc() - HELD_FOR;
    let waiting_count = store::hold::count_waiting(&mut reader, school, after).await?;
    let messages = store::hold::list_waiting(&mut reader, school, after, SHOWN).await?;
    Ok(ReviewQueue { waiting_count, messages })
}

/// Releases or refuses a held message of a school, as somebody who may review there.
pub async fn decide(
    database: &Database,
    context: &Context,
    (order, reviewer): (&Order, Uuid),
    (school, id): (Uuid, Uuid),
    (outcome, note): (Outcome, &str),
) -> Result<(), Error> {
    let mut transaction = database.begin(context, Work::Write).await?;
    let waiting = find(&mut transaction, &[school], id).await?;
    if waiting.sender_id == reviewer {
        return Err(HoldError::OwnMessage.into());
    }
    store::send_lock::share(&mut transaction, school, waiting.sender_id).await?;
    if outcome == Outcome::Released {
        as_restricted(&mut transaction, &waiting).await?;
        if store::hold::is_contained(&mut transaction, &waiting, None).await? {
            return Err(HoldError::SenderContained.into());
        }
    }
    finish(&mut transaction, order, &waiting, (outcome, reviewer, Some(note))).await?;
    let kind = match outcome {
        Outcome::Released => Kind::Released,
        Outcome::Refused => Kind::Refused,
    };
    store::text::insert_decision(&mut transaction, school, &[id], kind).await?;
    Ok(transaction.commit().await?)
}

/// Releases a held message of the caller, who has typed a one-time code since it was held.
pub async fn release_own(
    database: &Database,
    context: &Context,
    caller: &Claims,
    id: Uuid,
) -> Result<(), Error> {
    let mut transaction = database.begin(context, Work::Write).await?;
    let waiting = find(&mut transaction, &caller.schools(), id).await?;
    if waiting.sender_id != caller.sub {
        return Err(HoldError::NotFound.into());
    }
    if waiting.released_by != ReleasedBy::Sender {
        return Err(HoldError::ReviewerOnly.into());
    }
    if !has_code_since(caller, waiting.held_at) {
        return Err(Error::StepUpRequired);
    }
    store::send_lock::share(&mut transaction, waiting.school_id, caller.sub).await?;
    if store::hold::is_contained(&mut transaction, &waiting, Some(caller.ep)).await? {
        return Err(RecallError::AccountContained.into());
    }
    let is_held = as_restricted(&mut transaction, &waiting).await?;
    if is_held || is_refused(&mut transaction, &waiting).await? {
        return Err(HoldError::ReviewerOnly.into());
    }
    let order = Order::new(Actor::Person(caller.sub), "sender".to_owned());
    finish(&mut transaction, &order, &waiting, (Outcome::Released, caller.sub, None)).await?;
    Ok(transaction.commit().await?)
}

/// A code typed before does not count: whoever sits at somebody else's open session has none.
fn has_code_since(caller: &Claims, moment: DateTime<Utc>) -> bool {
    let moment_s = u64::try_from(moment.timestamp()).unwrap_or(u64::MAX);
    caller.amr.iter().any(|method| method == "otp") && caller.auth_time > moment_s
}

async fn find(transaction: &mut Transaction, schools: &[Uuid], id: Uuid) -> Result<Waiting, Error> {
    let after = transaction.context().clock().utc() - HELD_FOR;
    let waiting = store::hold::find_waiting(transaction, schools, id, after).await?;
    Ok(waiting.ok_or(HoldError::NotFound)?)
}

/// What restrictions make of a release now: what was closed since is not opened by it. Whether it waits for somebody's look.
async fn as_restricted(transaction: &mut Transaction, waiting: &Waiting) -> Result<bool, Error> {
    let now = transaction.context().clock().utc();
    let in_force = store::restriction::list_in_force(transaction, waiting.school_id, now).await?;
    match judge(&in_force, &waiting.letter) {
        Passage::Free => Ok(false),
        Passage::Held => Ok(true),
        Passage::Refused(by) => {
            Err(RestrictionError::Restricted { restriction: Box::new(by.clone()), now }.into())
        }
    }
}

/// Whether such a text has been refused or recalled meanwhile.
async fn is_refused(transaction: &mut Transaction, waiting: &Waiting) -> Result<bool, Error> {
    let Waiting { school_id, fingerprint: Some(fingerprint), .. } = waiting else { return Ok(false) };
    let now = transaction.context().clock().utc();
    let (_, decisions) = store::text::find_alike(transaction, *school_id, fingerprint, now).await?;
    Ok(window::is_refused(*school_id, Some(fingerprint), &decisions))
}

/// Decides, under the locks of a send.
async fn finish(
    transaction: &mut Transaction,
    order: &Order,
    waiting: &Waiting,
    (outcome, by, note): (Outcome, Uuid, Option<&str>),
) -> Result<(), Error> {
    let Waiting { school_id, message_id, sender_id, .. } = *waiting;
    let now = transaction.context().clock().utc();
    let decision = Decision { outcome, by, note, at: now };
    if !store::hold::decide(transaction, (school_id, message_id), &decision).await? {
        return Err(HoldError::NotFound.into());
    }
    let act = match outcome {
        Outcome::Released => "held_message_released",
        Outcome::Refused => "held_message_refused",
    };
    let details = json!({ "school": school_id, "sender": sender_id });
    Ok(order.keep(transaction, act, format!("message:{message_id}"), details).await?)
}
