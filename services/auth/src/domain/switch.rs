//! Settles what a surge asks for, for a time: sign-in closed to a role, shorter idle limits, other weights of the lanes.
//!
//! Every switch has an end and ends by itself, by the clock of each instance, whatever is out of reach by then.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use shared::audit::Order;
use shared::context::Context;
use shared::ids;
use shared::pg::{Database, Transaction, Work};
use shared::session::{Claims, Membership, Role};
use uuid::Uuid;

use super::administration::{administers, may_administer};
use super::waiting_room::Weights;
use crate::error::{AdministrationError, Error};
use crate::store;

/// A switch lasts a week at most: what is needed for longer is decided anew.
pub const LONGEST: TimeDelta = TimeDelta::days(7);
/// A switch begins within a month.
const LATEST_START: TimeDelta = TimeDelta::days(31);
/// Switches of one school, or of all schools, that are not over.
pub const MOST_OPEN: i64 = 20;

/// What a switch does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// Nobody signs in whose only roles are closed.
    SignInClosed(Role),
    /// Sessions end that were not refreshed for so long, in seconds; of a role, or of everybody.
    IdleLimit(u64, Option<Role>),
    /// How the lanes of the waiting room share what can be served.
    LaneWeights(Weights),
}

impl Effect {
    /// The name in tables, answers and the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignInClosed(_) => "sign_in_closed",
            Self::IdleLimit(..) => "idle_limit",
            Self::LaneWeights(_) => "lane_weights",
        }
    }

    /// The role that it is about, if it is about one.
    pub fn role(self) -> Option<Role> {
        match self {
            Self::SignInClosed(role) => Some(role),
            Self::IdleLimit(_, role) => role,
            Self::LaneWeights(_) => None,
        }
    }

    /// Whole numbers only, as the audit log asks: weights are texts.
    fn details(self) -> Value {
        match self {
            Self::SignInClosed(role) => json!({ "role": role.name() }),
            Self::IdleLimit(idle_s, role) => json!({ "idle_s": idle_s, "role": role.map(Role::name) }),
            Self::LaneWeights(weights) => {
                json!({ "weights": weights.by_lane().map(|weight| weight.to_string()) })
            }
        }
    }
}

/// A switch that is to be.
#[derive(Debug, Clone, Copy)]
pub struct NewSwitch {
    /// What it does.
    pub effect: Effect,
    /// In which school; in all of them without one.
    pub school: Option<Uuid>,
    /// When it begins; at once without it.
    pub starts_at: Option<DateTime<Utc>>,
    /// When it ends by itself.
    pub ends_at: DateTime<Utc>,
}

/// A switch.
#[derive(Debug, Clone, PartialEq)]
pub struct Switch {
    /// Which one.
    pub id: Uuid,
    /// What it does.
    pub effect: Effect,
    /// In which school; in all of them without one.
    pub school: Option<Uuid>,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends by itself.
    pub ends_at: DateTime<Utc>,
    /// Who demanded it.
    pub authority: String,
}

/// Makes a switch. A session must be able to rest for `shortest_idle_s`, or people at work would be signed out.
pub async fn open(
    database: &Database,
    context: &Context,
    order: &Order,
    new: NewSwitch,
    shortest_idle_s: u64,
) -> Result<Switch, Error> {
    let now = context.clock().utc();
    let starts_at = new.starts_at.unwrap_or(now).max(now);
    check(&new, (now, starts_at), shortest_idle_s)?;
    let (id, authority) = (ids::new_id(&**context.clock()), order.authority.clone());
    let NewSwitch { effect, school, ends_at, .. } = new;
    let switch = Switch { id, effect, school, starts_at, ends_at, authority };
    let mut transaction = database.begin(context, Work::Write).await?;
    if !store::switch::insert(&mut transaction, &switch, now).await? {
        return Err(AdministrationError::TooManySwitches.into());
    }
    keep(&mut transaction, order, "switch_opened", &switch).await?;
    transaction.commit().await?;
    Ok(switch)
}

/// Ends a switch of a school, or of all schools, before its time.
pub async fn end(
    database: &Database,
    context: &Context,
    order: &Order,
    school: Option<Uuid>,
    id: Uuid,
) -> Result<(), Error> {
    let mut transaction = database.begin(context, Work::Write).await?;
    let ended = store::switch::end(&mut transaction, school, id, context.clock().utc()).await?;
    keep(&mut transaction, order, "switch_ended", &ended.ok_or(AdministrationError::SwitchNotFound)?).await?;
    Ok(transaction.commit().await?)
}

/// What concerns a school and is not over: its own switches, and those of all schools.
pub async fn list(
    database: &Database,
    context: &Context,
    caller: &Claims,
    school: Uuid,
) -> Result<Vec<Switch>, Error> {
    may_administer(caller, school, context.clock().unix_seconds())?;
    let mut reader = database.read(context).await?;
    let all = store::switch::find_open(&mut reader, context.clock().utc()).await?;
    Ok(all.into_iter().filter(|switch| switch.school.is_none_or(|one| one == school)).collect())
}

fn check(
    new: &NewSwitch,
    (now, starts_at): (DateTime<Utc>, DateTime<Utc>),
    shortest_idle_s: u64,
) -> Result<(), Error> {
    let bad = |fault: String| Err(AdministrationError::BadSwitch(fault).into());
    if new.ends_at <= starts_at || new.ends_at - starts_at > LONGEST {
        return bad("ends_at: later than the beginning, and by a week at most".to_owned());
    }
    if starts_at - now > LATEST_START {
        return bad("starts_at: within 31 days".to_owned());
    }
    match new.effect {
        // Somebody must be able to come in and end it.
        Effect::SignInClosed(role) if administers(role) => {
            bad("role: sign-in is never closed to administrators".to_owned())
        }
        Effect::IdleLimit(idle_s, _) if idle_s < shortest_idle_s => {
            bad(format!("idle_s: at least {shortest_idle_s}, twice the life of an access token"))
        }
        Effect::SignInClosed(_) | Effect::IdleLimit(..) | Effect::LaneWeights(_) => Ok(()),
    }
}

async fn keep(
    transaction: &mut Transaction,
    order: &Order,
    act: &'static str,
    switch: &Switch,
) -> Result<(), Error> {
    let details = json!({
        "kind": switch.effect.name(), "school": switch.school, "of": switch.effect.details(),
        "starts_at": switch.starts_at, "ends_at": switch.ends_at,
    });
    Ok(order.keep(transaction, act, format!("switch:{}", switch.id), details).await?)
}

/// Switches that are not over, by where they hold.
#[derive(Debug, Default)]
pub struct Held(HashMap<Option<Uuid>, Vec<Switch>>);

impl Held {
    /// Of these.
    pub fn of(switches: Vec<Switch>) -> Self {
        let mut held: HashMap<Option<Uuid>, Vec<Switch>> = HashMap::new();
        for switch in switches {
            held.entry(switch.school).or_default().push(switch);
        }
        Self(held)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Until when somebody with these roles stays out: while every role they hold is closed.
    pub fn closed_until(&self, memberships: &[Membership], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ends = memberships.iter().map(|membership| {
            let closing = self.here(membership.school, now);
            let closing = closing.filter(|switch| switch.effect == Effect::SignInClosed(membership.role));
            closing.map(|switch| switch.ends_at).max()
        });
        ends.collect::<Option<Vec<_>>>()?.into_iter().min()
    }

    /// How long a session of somebody with these roles may rest, in seconds: the shortest limit.
    pub fn idle_s(&self, memberships: &[Membership], configured_s: u64, now: DateTime<Utc>) -> u64 {
        let limits = memberships.iter().flat_map(|membership| {
            self.here(membership.school, now).filter_map(|switch| match switch.effect {
                Effect::IdleLimit(idle_s, role) if role.is_none_or(|role| role == membership.role) => {
                    Some(idle_s)
                }
                Effect::IdleLimit(..) | Effect::SignInClosed(_) | Effect::LaneWeights(_) => None,
            })
        });
        limits.min().unwrap_or(configured_s).min(configured_s)
    }

    /// How the lanes share now, where that was switched; the switch that began last.
    pub fn lane_weights(&self, now: DateTime<Utc>) -> Option<Weights> {
        let last = self.everywhere(now).filter(|switch| matches!(switch.effect, Effect::LaneWeights(_)));
        match last.max_by_key(|switch| (switch.starts_at, switch.id))?.effect {
            Effect::LaneWeights(weights) => Some(weights),
            Effect::SignInClosed(_) | Effect::IdleLimit(..) => None,
        }
    }

    /// Roles to which sign-in is closed in every school, and until when: what everybody may know.
    pub fn closings(&self, now: DateTime<Utc>) -> Vec<(Role, DateTime<Utc>)> {
        let of = |role| {
            let closing = self.everywhere(now).filter(|one| one.effect == Effect::SignInClosed(role));
            Some((role, closing.map(|switch| switch.ends_at).max()?))
        };
        Role::ALL.into_iter().filter_map(of).collect()
    }

    fn here(&self, school: Uuid, now: DateTime<Utc>) -> impl Iterator<Item = &Switch> {
        let own = self.0.get(&Some(school)).into_iter().flatten();
        own.filter(move |switch| is_on(switch, now)).chain(self.everywhere(now))
    }

    fn everywhere(&self, now: DateTime<Utc>) -> impl Iterator<Item = &Switch> {
        self.0.get(&None).into_iter().flatten().filter(move |switch| is_on(switch, now))
    }
}

fn is_on(switch: &Switch, now: DateTime<Utc>) -> bool {
    switch.starts_at <= now && now < switch.ends_at
}

#[cfg(test)]
mod tests;
