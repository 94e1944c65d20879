//! Settles how sending is closed by one person and reopened by two, in one school or in all of them.
//!
//! Every change waits for the sends under way and holds back the next ones until it has committed (`store::send_lock`), so
//! that no message is accepted after a closing. Changes take a connection that sends do not use: a pile of sends cannot keep
//! somebody from stopping them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use shared::audit::Order;
use shared::cache;
use shared::context::Context;
use shared::ids;
use shared::pg::{Database, Transaction, Work};
use shared::session::Role;
use utoipa::ToSchema;
use uuid::Uuid;

use super::policy::{Policies, policy_tag};
use super::restriction::{Direction, Mode, Restriction, may_become};
use crate::error::{Error, RestrictionError};
use crate::store;
use crate::store::restriction::{Asked, EVERYWHERE};

/// A restriction lasts a week at most: what is needed for longer is decided anew.
pub const LONGEST: TimeDelta = TimeDelta::days(7);
/// Restrictions of the same role, direction and mode that are in force. Whoever has used them up has closed what they name: a
/// thief who opens restriction after restriction keeps nobody from closing more.
pub const MOST_OPEN: i64 = 20;
/// How long the second person has.
const ASKED_FOR: TimeDelta = TimeDelta::hours(1);

/// A closing that is asked for.
#[derive(Debug, Clone)]
pub struct NewRestriction {
    /// Whose messages; each role becomes a restriction of its own.
    pub roles: Vec<Role>,
    /// Those that they send, or those that are sent to them.
    pub direction: Direction,
    /// What is still possible.
    pub mode: Mode,
    /// Whether it is reopened only after an all-clear of the school.
    pub needs_all_clear: bool,
    /// Why, as those read who are refused.
    pub reason: String,
    /// When it ends by itself.
    pub ends_at: DateTime<Utc>,
}

/// How far a reopening is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Reopening {
    /// Another person has to ask for the same.
    Waiting {
        /// What it is to become.
        mode: Mode,
        /// When this is worth nothing any more.
        lapses_at: DateTime<Utc>,
    },
    /// It is so now.
    Done {
        /// What is possible.
        mode: Mode,
    },
}

/// A restriction with what somebody has asked to make of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RestrictionView {
    /// The restriction.
    #[serde(flatten)]
    pub restriction: Restriction,
    /// What one person has asked for, while another has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopening: Option<Reopening>,
}

/// What is closed in a school.
#[derive(Debug, Serialize, ToSchema)]
pub struct Closed {
    /// In the order in which they were opened.
    pub restrictions: Vec<RestrictionView>,
    /// The last all-clear of the school.
    pub all_clear_at: Option<DateTime<Utc>>,
}

/// The acts. Cloning shares what they work on.
#[derive(Clone)]
pub struct Restrictions {
    database: Database,
    /// Whom to tell; a command on the host has nobody to tell, and what is shown to people follows within a minute.
    policies: Option<Policies>,
}

impl Restrictions {
    /// On a database.
    pub fn new(database: Database, policies: Option<Policies>) -> Self {
        Self { database, policies }
    }

    /// Closes sending to roles in a school, or in all schools.
    pub async fn restrict(
        &self,
        context: &Context,
        order: &Order,
        school: Option<Uuid>,
        new: &NewRestriction,
    ) -> Result<Vec<Restriction>, Error> {
        let now = context.clock().utc();
        check(new, now)?;
        let mut transaction = self.begin(context, school).await?;
        let restriction = |role: &Role| Restriction {
            id: ids::new_id(&**context.clock()),
            is_of_all_schools: school.is_none(),
            role: *role,
            direction: new.direction,
            mode: new.mode,
            needs_all_clear: new.needs_all_clear,
            reason: new.reason.clone(),
            authority: order.authority.clone(),
            opened_at: now,
            ends_at: new.ends_at,
        };
        let restrictions: Vec<Restriction> = new.roles.iter().map(restriction).collect();
        for restriction in &restrictions {
            if !store::restriction::insert(&mut transaction, place(school), restriction).await? {
                return Err(RestrictionError::TooMany.into());
            }
            keep(&mut transaction, order, "sending_restricted", school, restriction).await?;
        }
        self.commit(context, transaction, school).await?;
        Ok(restrictions)
    }

    /// Makes a restriction weaker, or ends it, in a school or in all schools: the first person asks, another who asks for
    /// the same confirms.
    pub async fn reopen(
        &self,
        context: &Context,
        order: &Order,
        person: Uuid,
        (school, id): (Option<Uuid>, Uuid),
        mode: Mode,
    ) -> Result<Reopening, Error> {
        let (place, now) = (place(school), context.clock().utc());
        let mut transaction = self.begin(context, school).await?;
        let in_force = store::restriction::list_in_force(&mut transaction, place, now).await?;
        let found = in_force.iter().find(|restriction| restriction.id == id);
        let restriction = found.ok_or(RestrictionError::NotFound)?;
        may_become(restriction, mode, &in_force).map_err(RestrictionError::NotYet)?;
        let cleared_at = store::restriction::find_all_clear(&mut transaction, place).await?;
        if restriction.needs_all_clear && cleared_at.is_none_or(|cleared| cleared < restriction.opened_at) {
            return Err(RestrictionError::NoAllClear.into());
        }
        let asked = store::restriction::find_asked(&mut transaction, place, id, now - ASKED_FOR).await?;
        let becoming = Restriction { mode, ..restriction.clone() };
        match asked.filter(|asked| asked.mode == mode) {
            Some(asked) if asked.by == person => Ok(waiting(&asked)),
            Some(asked) => {
                store::restriction::confirm(&mut transaction, place, id, &asked, (person, now)).await?;
                keep(&mut transaction, order, "reopening_confirmed", school, &becoming).await?;
                self.commit(context, transaction, school).await?;
                Ok(Reopening::Done { mode })
            }
            None => {
                let asked = Asked { id: ids::new_id(&**context.clock()), mode, by: person, at: now };
                store::restriction::ask(&mut transaction, place, id, &asked).await?;
                keep(&mut transaction, order, "reopening_asked", school, &becoming).await?;
                self.commit(context, transaction, school).await?;
                Ok(waiting(&asked))
            }
        }
    }

    /// Keeps that somebody has made sure that a school is safe, or that all are. It opens nothing by itself.
    pub async fn give_all_clear(
        &self,
        context: &Context,
        order: &Order,
        person: Uuid,
        school: Option<Uuid>,
    ) -> Result<(), Error> {
        let (place, now) = (place(school), context.clock().utc());
        let mut transaction = self.database.begin(context, Work::Background).await?;
        store::restriction::insert_all_clear(&mut transaction, place, (now, person), &order.authority)
            .await?;
        order.keep(&mut transaction, "all_clear_given", format!("school:{place}"), json!({})).await?;
        Ok(transaction.commit().await?)
    }

    /// What is closed in a school now, of its own and of all schools; or what is closed in all schools.
    pub async fn list(&self, context: &Context, school: Option<Uuid>) -> Result<Closed, Error> {
        let (school, now) = (place(school), context.clock().utc());
        let mut transaction = self.database.begin(context, Work::Background).await?;
        let in_force = store::restriction::list_in_force(&mut transaction, school, now).await?;
        let mut restrictions = Vec::with_capacity(in_force.len());
        for restriction in in_force {
            let after = now - ASKED_FOR;
            let asked = store::restriction::find_asked(&mut transaction, school, restriction.id, after);
            let reopening = asked.await?.map(|asked| waiting(&asked));
            restrictions.push(RestrictionView { restriction, reopening });
        }
        let all_clear_at = store::restriction::find_all_clear(&mut transaction, school).await?;
        transaction.commit().await?;
        Ok(Closed { restrictions, all_clear_at })
    }

    /// From here on no send commits that does not see what this transaction does.
    async fn begin(&self, context: &Context, school: Option<Uuid>) -> Result<Transaction, Error> {
        let mut transaction = self.database.begin(context, Work::Background).await?;
        store::send_lock::close(&mut transaction, school).await?;
        Ok(transaction)
    }

    async fn commit(
        &self,
        context: &Context,
        mut transaction: Transaction,
        school: Option<Uuid>,
    ) -> Result<(), Error> {
        let tags: Vec<String> = school.into_iter().map(policy_tag).collect();
        let raised = cache::raise(&mut transaction, &tags).await?;
        transaction.commit().await?;
        if let Some(policies) = &self.policies {
            policies.tell(context, &raised).await;
        }
        Ok(())
    }
}

fn place(school: Option<Uuid>) -> Uuid {
    school.unwrap_or(EVERYWHERE)
}

fn waiting(asked: &Asked) -> Reopening {
    Reopening::Waiting { mode: asked.mode, lapses_at: asked.at + ASKED_FOR }
}

fn check(new: &NewRestriction, now: DateTime<Utc>) -> Result<(), Error> {
    let bad = |fault: &'static str| Err(RestrictionError::Bad(fault).into());
    if new.mode == Mode::Open {
        return bad("mode: reply_only, hold or closed");
    }
    if new.ends_at <= now || new.ends_at - now > LONGEST {
        return bad("ends_at: later than now, and by a week at most");
    }
    let is_twice = |role: &Role| new.roles.iter().filter(|other| *other == role).count() > 1;
    if new.roles.iter().any(is_twice) { bad("roles: each once") } else { Ok(()) }
}

async fn keep(
    transaction: &mut Transaction,
    order: &Order,
    act: &'static str,
    school: Option<Uuid>,
    restriction: &Restriction,
) -> Result<(), Error> {
    let details = json!({
        "school": school, "role": restriction.role, "direction": restriction.direction, "mode": restriction.mode,
        "needs_all_clear": restriction.needs_all_clear, "ends_at": restriction.ends_at,
    });
    Ok(order.keep(transaction, act, format!("restriction:{}", restriction.id), details).await?)
}
