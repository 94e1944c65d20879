//! Settles what is kept ready of what a school has decided: its rules and limits, and what homes show of restrictions.
//!
//! It is renewed with each change of the school, and within a minute of a command on the host. Rules and limits are taken from
//! here; restrictions are told to people from here, and asked of the database inside each send's transaction.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ablation::Part;
use shared::cache::{Cache, Cached, LoadFailed, Loaded, Policy as Ages, raise, version_of};
use shared::context::Context;
use shared::pg::{Database, Transaction};
use shared::service::Kit;
use uuid::Uuid;

use super::budget::Budgets;
use super::communication_rule::Rules;
use super::restriction::Restriction;
use crate::error::Error;
use crate::store;

const AGES: Ages = Ages {
    fresh: Duration::from_secs(30),
    stale_while_revalidate: Duration::from_secs(30),
    stale_if_error: Duration::from_mins(10),
    negative: Duration::from_secs(10),
};

/// What a school has decided.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Policy {
    restrictions: Vec<Restriction>,
    /// Who may write to whom.
    pub rules: Rules,
    /// How much anybody sends.
    pub budgets: Budgets,
}

impl Policy {
    /// What is in force at a moment.
    pub fn restrictions(&self, now: DateTime<Utc>) -> impl Iterator<Item = &Restriction> {
        self.restrictions.iter().filter(move |restriction| restriction.ends_at > now)
    }
}

/// What schools have decided. Cloning shares it.
#[derive(Clone)]
pub struct Policies {
    database: Database,
    kept: Cache<Policy>,
}

impl Policies {
    /// Nothing yet, on a service's engines.
    pub fn new(kit: &Kit) -> Self {
        let kept = Cache::new("policies", AGES, kit.cluster.clone(), kit.clock.clone(), kit.engine.clone());
        let is_ablated = kit.breakers.ablation().removes(Part::Cache);
        Self { database: kit.database.clone(), kept: kept.ablated(is_ablated) }
    }

    /// Starts hearing what other instances change.
    pub fn start_hearing(&self, kit: &Kit) {
        let policies = self.clone();
        kit.workers.spawn(|stop| policies.kept.hear(stop));
    }

    /// What a school has decided.
    pub async fn of(&self, context: &Context, school: Uuid) -> Result<Cached<Policy>, LoadFailed> {
        let tag = policy_tag(school);
        self.kept.get(context, &tag, &tag, |context| load(self.database.clone(), context, school)).await
    }

    /// Commits a change of a school and tells everybody.
    pub async fn commit(
        &self,
        context: &Context,
        mut transaction: Transaction,
        school: Uuid,
    ) -> Result<(), Error> {
        let raised = raise(&mut transaction, &[policy_tag(school)]).await?;
        transaction.commit().await?;
        self.tell(context, &raised).await;
        Ok(())
    }

    /// Tells everybody of changes that have been committed.
    pub async fn tell(&self, context: &Context, raised: &[(String, i64)]) {
        for (tag, version) in raised {
            self.kept.invalidate(context, tag, *version).await;
        }
    }
}

/// What the versions of a school's decisions belong to.
pub fn policy_tag(school: Uuid) -> String {
    format!("policy:{}", school.simple())
}

async fn load(database: Database, context: Context, school: Uuid) -> Result<Loaded<Policy>, LoadFailed> {
    let mut reader = database.read(&context).await?;
    let version = version_of(&mut reader, &policy_tag(school)).await?;
    let now = context.clock().utc();
    let restrictions = store::restriction::read_in_force(&mut reader, school, now).await?;
    let rules = Rules::new(store::communication_rule::list(&mut reader, school).await?);
    let budgets = Budgets::new(store::send_limit::list(&mut reader, school).await?);
    Ok(Loaded { value: Some(Policy { restrictions, rules, budgets }), version })
}
