//! Settles how a school's administrators change who may write to whom.

use serde::Serialize;
use serde_json::json;
use shared::audit::Order;
use shared::context::Context;
use shared::pg::{Database, Work};
use utoipa::ToSchema;
use uuid::Uuid;

use super::communication_rule::{Rule, Scope};
use super::policy::Policies;
use crate::error::Error;
use crate::store;

/// The rules of a school.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommunicationRules {
    /// One for each pair of roles.
    rules: Vec<RuleView>,
}

/// How far messages of one role to another go in a school, and how far it could let them go.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleView {
    #[serde(flatten)]
    rule: Rule,
    /// What it would be if the school had changed nothing.
    default_scope: Scope,
    /// The furthest that the school can choose.
    widest_scope: Scope,
}

/// The rules of a school, as far as is known here.
pub async fn list(policies: &Policies, context: &Context, school: Uuid) -> Result<CommunicationRules, Error> {
    let policy = policies.of(context, school).await?;
    let view = |rule: Rule| RuleView {
        rule,
        default_scope: Rule::default_of(rule.sender, rule.recipient).scope,
        widest_scope: Rule::widest(rule.sender, rule.recipient),
    };
    let rules = policy.value().into_iter().flat_map(|policy| policy.rules.all()).map(view).collect();
    Ok(CommunicationRules { rules })
}

/// Changes some of them; all or none.
pub async fn change(
    database: &Database,
    policies: &Policies,
    context: &Context,
    order: &Order,
    (school, rules): (Uuid, &[Rule]),
) -> Result<(), Error> {
    if rules.iter().any(|rule| rule.scope > Rule::widest(rule.sender, rule.recipient)) {
        return Err(Error::ScopeTooWide);
    }
    let now = context.clock().utc();
    let mut transaction = database.begin(context, Work::Write).await?;
    for rule in rules {
        store::communication_rule::update(&mut transaction, school, rule, now).await?;
    }
    let subject = format!("school:{school}");
    let details = json!({ "rules": rules });
    order.keep(&mut transaction, "communication_rules_changed", subject, details).await?;
    policies.commit(context, transaction, school).await
}
