//! Settles what becomes of a message: the rules, the thread, the session, restrictions, budgets and a look at it, in this order.
//!
//! Everything that decides is read under the locks of the send, so that what is closed meanwhile closes this send too, or
//! waits for it; the school's rules and limits alone are as old as the cache lets them be.

use chrono::{DateTime, Utc};
use shared::ablation::Part;
use shared::cache::Cached;
use shared::context::Context;
use shared::pg::Transaction;
use shared::session::Role;
use uuid::Uuid;

use super::budget::{self, Exceeded, MOST_WAITING};
use super::detection::behaviour::Climate;
use super::detection::verdict::Verdict;
use super::hold::{HELD_FOR, Hold};
use super::message::{Dispatch, Draft, State};
use super::policy::Policy;
use super::reach::{Reach, reach};
use super::restriction::{self, Letter, Passage};
use super::second_look::{Look, Text, look};
use super::sender::{Sender, roles_in};
use crate::error::{Error, RecallError, RestrictionError};
use crate::store;
use crate::store::standing::{Question, Standing};
use crate::store::usage::Count;

/// More recipients than this make a send a sensitive act: a session that was ended must not reach a whole class.
const SENSITIVE_FROM: usize = 10;

/// What is made ready before the transaction begins.
pub struct Ready {
    policy: Cached<Policy>,
    climate: Climate,
    text: Text,
}

impl Ready {
    /// For a draft.
    pub async fn make(dispatch: &Dispatch, context: &Context, draft: &Draft) -> Result<Self, Error> {
        Ok(Self {
            policy: dispatch.policies.of(context, draft.audience.school_id()).await?,
            climate: dispatch.climates.now(context).await?,
            text: Text::of(draft.subject.as_deref(), &draft.body),
        })
    }
}

/// A message that is taken.
#[derive(Debug)]
pub struct Judged {
    /// The text as it was compared: all that its recipients read and have not read before.
    pub text: Text,
    /// Whom it reaches.
    pub reach: Reach,
    /// Why it waits, if it does.
    pub hold: Option<Hold>,
    /// What was seen of it.
    pub look: Look,
    /// What restrictions have to know of it on the day of its release.
    pub letter: Letter,
    /// Whether its recipients are remembered as contacts of the sender.
    pub has_contacts: bool,
}

impl Judged {
    /// What becomes of it.
    pub fn state(&self) -> State {
        if self.hold.is_some() { State::Held } else { State::Visible }
    }
}

/// Judges a draft, or says why it is not taken.
pub async fn judge(
    transaction: &mut Transaction,
    dispatch: &Dispatch,
    ready: Ready,
    sender: &Sender<'_>,
    draft: &Draft,
) -> Result<Judged, Error> {
    let Ready { policy, climate, text } = ready;
    let policy = policy.value().ok_or(Error::SchoolNotFound)?;
    let (school_id, sender_id) = (draft.audience.school_id(), sender.claims.sub);
    let now = transaction.context().clock().utc();
    store::send_lock::share(transaction, school_id, sender_id).await?;
    let reach = reach(transaction, &policy.rules, sender, &draft.audience).await?;
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
    let has_contacts = !sender_roles.iter().any(|role| role.is_staff());
    let letter = Letter { sender_roles, recipient_roles: reach.kinds.clone(), is_reply: standing.is_reply };
    let restricted = as_restricted(dispatch, &standing, &letter, now)?;
    if !dispatch.ablation.removes(Part::Budgets) {
        within_budget(transaction, policy, sender, (&letter.sender_roles, recipients), now).await?;
    }
    // Those who are answered know the subject; anybody else reads it with the text.
    let text = match &standing.subject {
        Some(subject) if !standing.is_reply => Text::of(Some(subject), &draft.body),
        Some(_) | None => text,
    };
    let known = (school_id, letter.sender_roles.as_slice(), &reach);
    let look = look(transaction, climate, sender, known, &text).await?;
    let suspected = match &look.judgement.verdict {
        Verdict::Hold(hold) if !dispatch.ablation.removes(Part::Hold) => Some(Hold::from(hold.clone())),
        Verdict::Hold(_) | Verdict::Deliver => None,
    };
    let hold = match (restricted, suspected) {
        (Some(one), Some(other)) => Some(one.and(other)),
        (one, other) => one.or(other),
    };
    if hold.is_some() && !dispatch.ablation.removes(Part::Budgets) {
        may_wait(transaction, sender_id, now).await?;
    }
    Ok(Judged { text, reach, hold, look, letter, has_contacts })
}

/// What restrictions make of a message.
fn as_restricted(
    dispatch: &Dispatch,
    standing: &Standing,
    letter: &Letter,
    now: DateTime<Utc>,
) -> Result<Option<Hold>, Error> {
    if dispatch.ablation.removes(Part::Restriction) {
        return Ok(None);
    }
    match restriction::judge(&standing.restrictions, letter) {
        Passage::Free => Ok(None),
        Passage::Held => Ok(Some(Hold::of_restriction())),
        Passage::Refused(by) => {
            Err(RestrictionError::Restricted { restriction: Box::new(by.clone()), now }.into())
        }
    }
}

async fn within_budget(
    transaction: &mut Transaction,
    policy: &Policy,
    sender: &Sender<'_>,
    (roles, recipients): (&[Role], &[Uuid]),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let limits = policy.budgets.of(roles, sender.device_age(now));
    let schools = sender.claims.schools();
    let has_contacts = limits.people_a_day.is_some();
    let sender_id = sender.claims.sub;
    let count = Count { schools: &schools, sender_id, recipients, now, has_contacts };
    let usage = store::usage::find(transaction, &count).await?;
    budget::check(limits, &usage, recipients.len(), sender.has_fresh_code(now), now)
        .map_err(|exceeded| Error::Exceeded { exceeded, now })
}

/// Whether one more of the account's messages may wait: what is held costs a reviewer's time.
async fn may_wait(transaction: &mut Transaction, sender_id: Uuid, now: DateTime<Utc>) -> Result<(), Error> {
    let waiting = store::usage::count_waiting(transaction, sender_id, now - HELD_FOR).await?;
    let exceeded = Exceeded::Waiting;
    if waiting < MOST_WAITING { Ok(()) } else { Err(Error::Exceeded { exceeded, now }) }
}
