//! Settles what is done about stolen accounts in one act: refuse what they send, withdraw what they sent, and have auth contain them.
//!
//! The first two are one transaction here and hold when it commits, whatever else is away. The third is the sibling's: each
//! account is worked off by `worker::account_response` until auth has locked it, ended its sessions and forced a reset, each once
//! however often it is asked. What is left of that is in PostgreSQL, so that a crash at any moment repeats nothing and forgets
//! nothing. The accounts open again by a code of an administrator, as every contained account does.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use shared::ablation::Ablation;
use shared::audit::{Actor, Order};
use shared::context::Context;
use shared::idempotency::{self, Answer, Begin, Claim};
use shared::ids;
use shared::pg::{Database, Transaction, Work};
use shared::session::{LONGEST_TOKEN_LIFE, OVERDUE_LIMIT};
use tokio::sync::Notify;
use utoipa::ToSchema;
use uuid::Uuid;

use super::recall::{Extent, FARTHEST, Selector};
use super::recalls::{self, Reach, Request, extent_of, person};
use crate::error::{Error, RecallError};
use crate::store;
use crate::store::account_response::{Due, Member, NewResponse, OPERATORS, Response};

/// Responses that are listed.
const LISTED: i64 = 100;

/// A response that is asked for.
#[derive(Debug, Clone)]
pub struct NewAccountResponse {
    /// Whose accounts.
    pub people: Vec<Uuid>,
    /// Since when they are not trusted.
    pub since: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// Whom recipients are to ask.
    pub contact: Option<String>,
}

/// What has been done when this is answered; the rest waits for auth.
#[derive(Debug, Serialize, ToSchema)]
pub struct Responded {
    /// The response.
    pub id: Uuid,
    /// The recall of what they sent; none when they sent nothing.
    pub recall_id: Option<Uuid>,
    /// How much was withdrawn, in each school.
    pub schools: Vec<Extent>,
    /// Accounts that cannot send any more, and are being locked, signed out and reset.
    pub accounts: usize,
}

/// How far a response is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Progress {
    /// The response.
    #[serde(flatten)]
    pub response: Response,
    /// Its accounts.
    pub members: Vec<Member>,
}

/// What auth has said of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is contained, at this epoch.
    Contained(i64),
    /// There is none.
    NoAccount,
}

/// The acts. Cloning shares what they work on.
#[derive(Clone)]
pub struct AccountResponses {
    database: Database,
    ablation: Ablation,
    /// Wakes the worker of this instance; others look once a second.
    begun: Arc<Notify>,
}

impl AccountResponses {
    /// On a database.
    pub fn new(database: Database, ablation: Ablation) -> Self {
        Self { database, ablation, begun: Arc::default() }
    }

    /// Until a response has begun in this instance.
    pub async fn begun(&self) {
        self.begun.notified().await;
    }

    /// Responds for a school, once under each key.
    pub async fn respond(
        &self,
        context: &Context,
        order: &Order,
        school: Uuid,
        new: &NewAccountResponse,
        claim: Option<&Claim>,
    ) -> Result<Answer, Error> {
        let mut transaction = self.database.begin(context, Work::Background).await?;
        let token = match idempotency::begin(&mut transaction, claim).await? {
            Begin::First(token) => token,
            Begin::Replay(answer) => return Ok(answer),
        };
        let responded = self.respond_in(&mut transaction, order, school, new).await?;
        let answer = idempotency::finish(&mut transaction, token, Answer::created(&responded)).await?;
        transaction.commit().await?;
        self.begun.notify_one();
        Ok(answer)
    }

    /// Responds for all schools: for operators, who are on the host. A running instance does the rest within a second.
    pub async fn respond_alone(
        &self,
        context: &Context,
        order: &Order,
        new: &NewAccountResponse,
    ) -> Result<Responded, Error> {
        let mut transaction = self.database.begin(context, Work::Background).await?;
        let responded = self.respond_in(&mut transaction, order, OPERATORS, new).await?;
        transaction.commit().await?;
        Ok(responded)
    }

    /// The latest responses of a school.
    pub async fn list(&self, context: &Context, school: Uuid) -> Result<Vec<Response>, Error> {
        let mut reader = self.database.reader(context, Work::Background).await?;
        Ok(store::account_response::list_latest(&mut reader, school, LISTED).await?)
    }

    /// How far a response of a school is.
    pub async fn progress(&self, context: &Context, school: Uuid, id: Uuid) -> Result<Progress, Error> {
        let mut reader = self.database.reader(context, Work::Background).await?;
        let found = store::account_response::find(&mut reader, school, id).await?;
        let (response, members) = found.ok_or(RecallError::NoSuchResponse)?;
        Ok(Progress { response, members })
    }

    /// Takes up to `most` accounts that wait, for so long.
    pub async fn take(&self, context: &Context, limit: TimeDelta, most: i64) -> Result<Vec<Due>, Error> {
        let now = context.clock().utc();
        let mut transaction = self.database.begin(context, Work::Background).await?;
        let due = store::account_response::take(&mut transaction, now, now + limit, most).await?;
        transaction.commit().await?;
        Ok(due)
    }

    /// Puts an account back for a while.
    pub async fn put_back(
        &self,
        context: &Context,
        due: &Due,
        pause: TimeDelta,
        waiting_for: &str,
    ) -> Result<(), Error> {
        let next_at = context.clock().utc() + pause;
        let mut transaction = self.database.begin(context, Work::Background).await?;
        store::account_response::put_back(&mut transaction, due, next_at, waiting_for).await?;
        Ok(transaction.commit().await?)
    }

    /// Notes what auth has said, and completes the response with its last account.
    pub async fn settle(&self, context: &Context, due: &Due, outcome: Outcome) -> Result<(), Error> {
        let now = context.clock().utc();
        let mut transaction = self.database.begin(context, Work::Background).await?;
        let is_news = match outcome {
            Outcome::Contained(epoch) => {
                store::account_response::settle_contained(&mut transaction, due, epoch).await?
            }
            Outcome::NoAccount => {
                let lapses_at = now + LONGEST_TOKEN_LIFE + OVERDUE_LIMIT;
                store::account_response::settle_missing(&mut transaction, due, lapses_at).await?
            }
        };
        if is_news && store::account_response::complete(&mut transaction, due, now).await? {
            let order = Order::new(Actor::Service, due.authority.clone()).in_incident(due.incident_id);
            let subject = format!("account_response:{}", due.response_id);
            order.keep(&mut transaction, "account_response_completed", subject, json!({})).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// How many accounts wait for auth, and since when.
    pub async fn waiting(&self, context: &Context) -> Result<(i64, Option<DateTime<Utc>>), Error> {
        let mut reader = self.database.reader(context, Work::Background).await?;
        Ok(store::account_response::count_waiting(&mut reader).await?)
    }

    async fn respond_in(
        &self,
        transaction: &mut Transaction,
        order: &Order,
        school: Uuid,
        new: &NewAccountResponse,
    ) -> Result<Responded, Error> {
        let now = transaction.context().clock().utc();
        let people = within_reach(transaction, order, school, &new.people).await?;
        let selector = Selector::Senders { ids: people.clone(), since: new.since, until: None };
        let farthest = (school != OPERATORS).then_some(FARTHEST);
        if let Some(fault) = selector.fault(now, farthest) {
            return Err(RecallError::Bad(fault).into());
        }
        // In all schools: what a stolen account says is worth as little next door. Each school decides about its own.
        store::recall::alone(transaction, None).await?;
        store::send_lock::hold_accounts(transaction, &people).await?;
        let request = Request { selector, reason: new.reason.clone(), contact: new.contact.clone() };
        let taught_in = (school != OPERATORS).then_some(school);
        let reach = Reach { withdrawn_in: None, taught_in, alike: &[] };
        let withdrawn = recalls::hide(transaction, self.ablation, order, reach, &request).await?;
        let id = ids::new_id(&**transaction.context().clock());
        let kept = NewResponse {
            school_id: school,
            id,
            recall_id: withdrawn.id.unwrap_or(Uuid::nil()),
            since: new.since,
            reason: &new.reason,
            authority: &order.authority,
            incident_id: order.incident,
            asked_by: person(order),
            asked_at: now,
        };
        store::account_response::insert(transaction, &kept, &people).await?;
        let details = json!({
            "school": school, "people": people, "since": new.since, "recall": withdrawn.id,
            "withdrawn": extent_of(&withdrawn),
        });
        order.keep(transaction, "accounts_contained", format!("account_response:{id}"), details).await?;
        Ok(Responded { id, recall_id: withdrawn.id, schools: withdrawn.schools, accounts: people.len() })
    }
}

/// The people, each once, if whoever gives the order reaches all of them.
async fn within_reach(
    transaction: &mut Transaction,
    order: &Order,
    school: Uuid,
    people: &[Uuid],
) -> Result<Vec<Uuid>, Error> {
    let mut people = people.to_vec();
    people.sort_unstable();
    people.dedup();
    if school == OPERATORS {
        return Ok(people);
    }
    let (strangers, administrators) =
        store::account_response::find_out_of_reach(transaction, school, &people).await?;
    if strangers > 0 {
        return Err(RecallError::NotOfTheSchool.into());
    }
    let is_own = person(order).is_some_and(|person| people.contains(&person));
    if administrators > 0 || is_own { Err(RecallError::AdministratorAccount.into()) } else { Ok(people) }
}
