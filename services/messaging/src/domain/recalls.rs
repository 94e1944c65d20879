//! Settles how messages are withdrawn by one person, and how two decide whether they come back or stay away.
//!
//! What one person does hides, and can be undone; what cannot be undone, and what shows again, takes two. Every copy is hidden
//! at once, because what decides is the state of the message. A recall waits for the sends that it names and that are under way
//! (`store::send_lock`), so that none of them commits unseen.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use shared::ablation::{Ablation, Part};
use shared::audit::{Actor, Order};
use shared::context::Context;
use shared::idempotency::{self, Answer, Begin, Claim};
use shared::ids;
use shared::pg::{Database, Transaction, Work};
use utoipa::ToSchema;
use uuid::Uuid;

use super::alike;
use super::recall::{Decision, Extent, FARTHEST, MOST_MESSAGES, Selector};
use super::repeats::Repeats;
use crate::error::{Error, RecallError};
use crate::store;
use crate::store::recall::{Asked, NewRecall, ReaderOf, Recall};

/// How long the second person has.
const ASKED_FOR: TimeDelta = TimeDelta::hours(1);
/// Recalls that are listed.
const LISTED: i64 = 100;

/// A recall that is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which messages.
    pub selector: Selector,
    /// Why, for the school.
    pub reason: String,
    /// Whom recipients are to ask.
    pub contact: Option<String>,
}

/// What was withdrawn.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Withdrawn {
    /// The recall; none when there was no such message.
    pub id: Option<Uuid>,
    /// How much, in each school.
    pub schools: Vec<Extent>,
}

/// How far a decision about a quarantine is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Deciding {
    /// Another person has to ask for the same.
    Waiting {
        /// What is asked for.
        decision: Decision,
        /// When this is worth nothing any more.
        lapses_at: DateTime<Utc>,
    },
    /// It is so now.
    Done {
        /// What was decided.
        decision: Decision,
    },
}

/// The acts. Cloning shares what they work on.
#[derive(Clone)]
pub struct Recalls {
    database: Database,
    ablation: Ablation,
}

impl Recalls {
    /// On a database.
    pub fn new(database: Database, ablation: Ablation) -> Self {
        Self { database, ablation }
    }

    /// What a recall would withdraw, up to `farthest` back. Nothing is changed, and nobody waits: a school counts once at a time, so
    /// that counting leaves connections to those who withdraw.
    pub async fn preview(
        &self,
        context: &Context,
        school: Option<Uuid>,
        selector: &Selector,
        farthest: Option<TimeDelta>,
    ) -> Result<Vec<Extent>, Error> {
        check(context, school, selector, farthest)?;
        let mut transaction = self.database.begin(context, Work::Background).await?;
        if !store::recall::begin_preview(&mut transaction, school).await? {
            return Err(RecallError::PreviewUnderWay.into());
        }
        let alike = alike::find(&mut transaction, selector, school).await?;
        let repeating = Repeats::new().of_selection(&mut transaction, (selector, &alike), school).await?;
        Ok(store::recall::count(&mut transaction, (selector, &alike, &repeating), school).await?)
    }

    /// Hides messages of a school until two persons decide, once under each key.
    pub async fn quarantine(
        &self,
        context: &Context,
        order: &Order,
        school: Uuid,
        request: &Request,
        claim: Option<&Claim>,
    ) -> Result<Answer, Error> {
        let mut transaction = self.database.begin(context, Work::Background).await?;
        let token = match idempotency::begin(&mut transaction, claim).await? {
            Begin::First(token) => token,
            Begin::Replay(answer) => return Ok(answer),
        };
        let withdrawn = self.withdraw(&mut transaction, order, Some(school), request).await?;
        let answer = idempotency::finish(&mut transaction, token, Answer::created(&withdrawn)).await?;
        transaction.commit().await?;
        Ok(answer)
    }

    /// The same in all schools, or in one: for operators, who are on the host.
    pub async fn quarantine_anywhere(
        &self,
        context: &Context,
        order: &Order,
        school: Option<Uuid>,
        request: &Request,
    ) -> Result<Withdrawn, Error> {
        let mut transaction = self.database.begin(context, Work::Background).await?;
        let withdrawn = self.withdraw(&mut transaction, order, school, request).await?;
        transaction.commit().await?;
        Ok(withdrawn)
    }

    /// The first person asks to show a quarantine again or to make it final, another who asks for the same does it. Without a school: in
    /// all that it concerns.
    pub async fn decide(
        &self,
        context: &Context,
        order: &Order,
        person: Uuid,
        (school, id): (Option<Uuid>, Uuid),
        decision: Decision,
    ) -> Result<Deciding, Error> {
        let now = context.clock().utc();
        let mut transaction = self.database.begin(context, Work::Background).await?;
        store::recall::alone(&mut transaction, school).await?;
        let found = store::recall::find_quarantine(&mut transaction, school, id).await?;
        let quarantine = found.ok_or(RecallError::NotFound)?;
        if !quarantine.is_open {
            return Err(RecallError::Decided.into());
        }
        let order = &order.clone().in_incident(quarantine.incident_id);
        let after = now - ASKED_FOR;
        let asked = store::recall::find_asked(&mut transaction, school, id, decision, after).await?;
        let waiting = |asked: &Asked| Deciding::Waiting { decision, lapses_at: asked.at + ASKED_FOR };
        let answer = match asked {
            Some(asked) if asked.by == person => return Ok(waiting(&asked)),
            Some(asked) => {
                store::recall::confirm(&mut transaction, school, id, &asked, person).await?;
                decide_in(&mut transaction, order, school, id, decision).await?;
                Deciding::Done { decision }
            }
            None => {
                let asked = Asked { id: ids::new_id(&**context.clock()), by: person, at: now };
                store::recall::ask(&mut transaction, school, id, decision, &asked).await?;
                let details = json!({ "school": school, "decision": decision });
                order
                    .keep(&mut transaction, "recall_decision_asked", format!("recall:{id}"), details)
                    .await?;
                waiting(&asked)
            }
        };
        transaction.commit().await?;
        Ok(answer)
    }

    /// The latest recalls of a school, or of all schools.
    pub async fn list(&self, context: &Context, school: Option<Uuid>) -> Result<Vec<Recall>, Error> {
        let mut reader = self.database.reader(context, Work::Background).await?;
        Ok(store::recall::list_latest(&mut reader, school, LISTED).await?)
    }

    /// Up to `most` people who had read messages of a recall, after one of them.
    pub async fn readers(
        &self,
        context: &Context,
        recall: (Uuid, Uuid),
        after: Uuid,
        most: i64,
    ) -> Result<Vec<ReaderOf>, Error> {
        let mut reader = self.database.reader(context, Work::Background).await?;
        let readers = store::recall::list_readers(&mut reader, recall, after, most).await?;
        readers.ok_or_else(|| RecallError::NotFound.into())
    }

    async fn withdraw(
        &self,
        transaction: &mut Transaction,
        order: &Order,
        school: Option<Uuid>,
        request: &Request,
    ) -> Result<Withdrawn, Error> {
        let farthest = person(order).map(|_| FARTHEST);
        check(transaction.context(), school, &request.selector, farthest)?;
        let began = transaction.context().clock().utc();
        let found = alike::find(transaction, &request.selector, school).await?;
        store::recall::alone(transaction, school).await?;
        match &request.selector {
            Selector::Senders { ids, .. } => store::send_lock::hold_accounts(transaction, ids).await?,
            Selector::Window { .. } | Selector::Alike { .. } => {
                store::send_lock::close(transaction, school).await?;
            }
            Selector::Messages { .. } => {}
        }
        let alike = alike::find_rest(transaction, &request.selector, school, (found, began)).await?;
        let reach = Reach { withdrawn_in: school, taught_in: school, alike: &alike };
        let withdrawn = hide(transaction, self.ablation, order, reach, request).await?;
        if let Some(id) = withdrawn.id {
            let details = json!({
                "school": school, "selector": request.selector, "withdrawn": extent_of(&withdrawn),
            });
            order.keep(transaction, "messages_quarantined", format!("recall:{id}"), details).await?;
        }
        Ok(withdrawn)
    }
}

/// How far an act of hiding reaches.
#[derive(Debug, Clone, Copy)]
pub struct Reach<'a> {
    /// Messages of this school; of all without one.
    pub withdrawn_in: Option<Uuid>,
    /// Texts of this school are held when they come again; of all without one. People decide about the texts of their own school.
    pub taught_in: Option<Uuid>,
    /// What was found where the selector is of like texts: [`alike`].
    pub alike: &'a [Uuid],
}

/// Hides what a request names, and what quotes it. The locks that it needs are held, and its audit entry is the caller's.
pub async fn hide(
    transaction: &mut Transaction,
    ablation: Ablation,
    order: &Order,
    reach: Reach<'_>,
    request: &Request,
) -> Result<Withdrawn, Error> {
    let clock = transaction.context().clock().clone();
    let new = NewRecall {
        id: ids::new_id(&*clock),
        selector: &request.selector,
        alike: reach.alike,
        school_id: reach.withdrawn_in,
        reason: &request.reason,
        authority: &order.authority,
        contact: request.contact.as_deref(),
        incident_id: order.incident,
        asked_by: person(order),
        hidden_at: clock.utc(),
    };
    let is_ablated = ablation.removes(Part::Recall);
    let mut count = store::recall::hide(transaction, &new, MOST_MESSAGES + 1, is_ablated).await?;
    if count == 0 {
        return Ok(Withdrawn { id: None, schools: Vec::new() });
    }
    let (mut repeats, mut is_more) = (Repeats::new(), true);
    while count <= MOST_MESSAGES && is_more {
        let repeating = repeats.of_recall(transaction, new.id).await?;
        let most = MOST_MESSAGES + 1;
        let found = store::recall::hide_quoting(transaction, (&new, &repeating), most, is_ablated).await?;
        is_more = found > 0;
        count += found;
    }
    if count > MOST_MESSAGES {
        return Err(RecallError::TooLarge.into());
    }
    if new.selector.is_of_texts() {
        alike::remember(transaction, reach.taught_in, new.id).await?;
    }
    let schools = store::recall::settle(transaction, new.id).await?;
    Ok(Withdrawn { id: Some(new.id), schools })
}

/// What the audit log says of how much was withdrawn: sums, as there may be hundreds of schools.
pub fn extent_of(withdrawn: &Withdrawn) -> Value {
    let sum = |count: fn(&Extent) -> i64| withdrawn.schools.iter().map(count).sum::<i64>();
    json!({
        "schools": withdrawn.schools.len(), "messages": sum(|extent| extent.messages),
        "copies": sum(|extent| extent.copies), "read": sum(|extent| extent.read),
    })
}

/// Who gave an order, where that is a person.
pub fn person(order: &Order) -> Option<Uuid> {
    match order.actor {
        Actor::Person(person) => Some(person),
        Actor::Operator | Actor::Service => None,
    }
}

async fn decide_in(
    transaction: &mut Transaction,
    order: &Order,
    school: Option<Uuid>,
    id: Uuid,
    decision: Decision,
) -> Result<(), Error> {
    let now = transaction.context().clock().utc();
    if store::recall::decide(transaction, school, id, decision, now).await? == 0 {
        return Err(RecallError::NotFound.into());
    }
    let act = match decision {
        Decision::Restored => {
            store::recall::restore(transaction, school, id).await?;
            alike::forget(transaction, school, id).await?;
            "recall_restored"
        }
        Decision::Final => "recall_made_final",
    };
    Ok(order.keep(transaction, act, format!("recall:{id}"), json!({ "school": school })).await?)
}

fn check(
    context: &Context,
    school: Option<Uuid>,
    selector: &Selector,
    farthest: Option<TimeDelta>,
) -> Result<(), Error> {
    if school.is_none() && selector.needs_school() {
        return Err(RecallError::Bad("school: this selection is made in one school").into());
    }
    let fault = selector.fault(context.clock().utc(), farthest);
    fault.map_or(Ok(()), |fault| Err(RecallError::Bad(fault).into()))
}
