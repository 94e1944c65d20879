//! Settles how a school's administrators change how much anybody sends.

use serde::Serialize;
use serde_json::json;
use shared::audit::Order;
use shared::context::Context;
use shared::pg::{Database, Work};
use shared::session::Role;
use utoipa::ToSchema;
use uuid::Uuid;

use super::budget::Limits;
use super::policy::Policies;
use crate::error::Error;
use crate::store;

/// The limits of a school.
#[derive(Debug, Serialize, ToSchema)]
pub struct SendLimits {
    /// One for each role.
    limits: Vec<LimitsView>,
}

/// How much an account sends in a role, and how much the school could let it send.
#[derive(Debug, Serialize, ToSchema)]
pub struct LimitsView {
    role: Role,
    limits: Limits,
    /// What they would be if the school had changed nothing.
    default_limits: Limits,
    /// The furthest that the school can choose.
    widest_limits: Limits,
}

/// The limits of a school, as far as is known here.
pub async fn list(policies: &Policies, context: &Context, school: Uuid) -> Result<SendLimits, Error> {
    let policy = policies.of(context, school).await?;
    let view = |role: Role| {
        let limits = policy.value().map_or(Limits::default_of(role), |policy| policy.budgets.of_role(role));
        LimitsView {
            role,
            limits,
            default_limits: Limits::default_of(role),
            widest_limits: Limits::widest_of(role),
        }
    };
    Ok(SendLimits { limits: Role::ALL.map(view).into() })
}

/// Changes those of a role.
pub async fn change(
    database: &Database,
    policies: &Policies,
    context: &Context,
    order: &Order,
    (school, role, limits): (Uuid, Role, Limits),
) -> Result<(), Error> {
    if !is_within(&limits, &Limits::widest_of(role)) {
        return Err(Error::LimitsTooWide);
    }
    let now = context.clock().utc();
    let mut transaction = database.begin(context, Work::Write).await?;
    store::send_limit::update(&mut transaction, school, (role, limits), now).await?;
    let details = json!({ "role": role, "limits": limits });
    order.keep(&mut transaction, "send_limits_changed", format!("school:{school}"), details).await?;
    policies.commit(context, transaction, school).await
}

/// What is counted of a role stays counted, and what is not stays so.
fn is_within(limits: &Limits, widest: &Limits) -> bool {
    let fits = |limit: usize, widest: usize| (1..=widest).contains(&limit);
    let both = |limit: Option<usize>, widest: Option<usize>| match (limit, widest) {
        (Some(limit), Some(widest)) => fits(limit, widest),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    fits(limits.per_message, widest.per_message)
        && both(limits.people_a_day, widest.people_a_day)
        && both(limits.broad_an_hour, widest.broad_an_hour)
        && both(limits.unproved_an_hour, widest.unproved_an_hour)
        && fits(limits.messages_an_hour, widest.messages_an_hour)
}
