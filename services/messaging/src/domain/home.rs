//! Settles what a person finds when they open messaging: how much is unread, and to whom they may write.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::cache::Cached;
use shared::context::Context;
use shared::pg::Database;
use shared::session::{Claims, Role};
use utoipa::ToSchema;
use uuid::Uuid;

use super::audience::Part;
use super::budget::Limits;
use super::communication_rule::{Rules, Target, check};
use super::policy::{Policies, Policy};
use super::restriction::{Direction, Mode, Restriction};
use super::sender::{age, roles_in};
use crate::error::Error;
use crate::store;
use crate::store::roster::RelatedGroup;

/// Messaging at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub struct Home {
    /// Messages delivered and not read, as of now.
    unread_count: i64,
    /// Whom the caller may write to at once.
    audiences: Vec<OpenAudience>,
    /// What the caller cannot send for now.
    restrictions: Vec<ClosedToCaller>,
    /// How much the caller sends at most.
    limits: Vec<OwnLimits>,
}

/// How much the caller sends at most in a school, on this device.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnLimits {
    /// The school.
    school_id: Uuid,
    #[serde(flatten)]
    limits: Limits,
}

/// A restriction of what the caller sends in one of their roles.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClosedToCaller {
    /// The school.
    school_id: Uuid,
    /// The caller's role that it is about.
    role: Role,
    /// What is still possible.
    mode: Mode,
    /// When it ends by itself.
    until: DateTime<Utc>,
    /// Why.
    reason: String,
}

/// An audience that is open to the caller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OpenAudience {
    /// A class or teaching group.
    Group {
        /// The school.
        school_id: Uuid,
        /// The group.
        id: Uuid,
        /// Its name.
        name: String,
        /// The parts that the caller may write to.
        parts: Vec<Part>,
    },
    /// Everybody with a role in a school.
    Role {
        /// The school.
        school_id: Uuid,
        /// The role.
        role: Role,
        /// The school's name.
        name: String,
    },
}

/// Three statements, the rules, and what is kept of the schools' decisions.
pub async fn of(
    database: &Database,
    policies: &Policies,
    context: &Context,
    caller: &Claims,
) -> Result<Home, Error> {
    let schools = caller.schools();
    let mut decided = HashMap::new();
    for school_id in &schools {
        decided.insert(*school_id, policies.of(context, *school_id).await?);
    }
    let policy = |school_id: &Uuid| decided.get(school_id).and_then(Cached::value);
    let now = context.clock().utc();
    let of_school = |school_id: &Uuid| (*school_id, policy(school_id));
    let restrictions = schools.iter().map(of_school).flat_map(|(school_id, policy)| {
        let in_force = policy.into_iter().flat_map(|policy| policy.restrictions(now));
        in_force.filter_map(move |restriction| closed_to(caller, school_id, restriction))
    });
    let limits =
        schools.iter().filter_map(|school_id| own_limits(caller, *school_id, policy(school_id)?, now));
    let mut reader = database.read(context).await?;
    let unread_count = store::delivery::count_unread(&mut reader, &schools, caller.sub).await?;
    let groups = store::roster::list_related(&mut reader, &schools, caller.sub, &led_schools(caller)).await?;
    let names = store::roster::school_names(&mut reader, &schools).await?;
    let mut audiences: Vec<OpenAudience> = groups
        .into_iter()
        .filter_map(|group| open_group(caller, &policy(&group.school_id)?.rules, group))
        .collect();
    audiences.extend(names.into_iter().flat_map(|(school_id, name)| {
        policy(&school_id)
            .into_iter()
            .flat_map(move |policy| open_roles(caller, &policy.rules, (school_id, &name)))
    }));
    Ok(Home { unread_count, audiences, restrictions: restrictions.collect(), limits: limits.collect() })
}

fn own_limits(caller: &Claims, school_id: Uuid, policy: &Policy, now: DateTime<Utc>) -> Option<OwnLimits> {
    let roles = roles_in(caller, school_id);
    let limits = policy.budgets.of(&roles, age(caller.dev_since, now));
    (!roles.is_empty()).then_some(OwnLimits { school_id, limits })
}

fn closed_to(caller: &Claims, school_id: Uuid, restriction: &Restriction) -> Option<ClosedToCaller> {
    let Restriction { role, mode, .. } = *restriction;
    let is_theirs = restriction.direction == Direction::From && caller.has_role(school_id, &[role]);
    is_theirs.then(|| ClosedToCaller {
        school_id,
        role,
        mode,
        until: restriction.ends_at,
        reason: restriction.reason.clone(),
    })
}

/// Schools whose every group is listed: those where the caller is neither pupil nor guardian nor only a teacher.
fn led_schools(caller: &Claims) -> Vec<Uuid> {
    let leading = [Role::Principal, Role::SchoolLife, Role::Staff, Role::LocalAdmin];
    caller.schools().into_iter().filter(|school| caller.has_role(*school, &leading)).collect()
}

fn open_group(caller: &Claims, rules: &Rules, group: RelatedGroup) -> Option<OpenAudience> {
    let roles = roles_in(caller, group.school_id);
    let is_open = |part: &Part| check(rules, &roles, &Target::Group(group.relation, vec![*part])).is_ok();
    let parts: Vec<Part> = Part::ALL.into_iter().filter(is_open).collect();
    let open = OpenAudience::Group {
        school_id: group.school_id,
        id: group.id,
        name: group.name,
        parts: parts.clone(),
    };
    (!parts.is_empty()).then_some(open)
}

fn open_roles(caller: &Claims, rules: &Rules, (school_id, name): (Uuid, &str)) -> Vec<OpenAudience> {
    let roles = roles_in(caller, school_id);
    let open = Role::ALL.into_iter().filter(|role| check(rules, &roles, &Target::Role(*role)).is_ok());
    open.map(|role| OpenAudience::Role { school_id, role, name: name.to_owned() }).collect()
}
