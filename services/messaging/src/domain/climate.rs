//! Settles who has been sending lately in all schools, told once a minute: whether new devices say anything today.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::ablation::Part;
use shared::cache::{Cache, LoadFailed, Loaded, Policy as Ages};
use shared::context::Context;
use shared::pg::Database;
use shared::service::Kit;

use super::detection::behaviour;
use crate::store;

const AGES: Ages = Ages {
    fresh: Duration::from_mins(1),
    stale_while_revalidate: Duration::from_mins(1),
    stale_if_error: Duration::from_mins(10),
    negative: Duration::from_secs(10),
};

/// It has no versions: nobody changes it, and it ages.
const KEY: &str = "climate";

/// As it is kept.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Climate {
    /// Distinct people.
    pub people: usize,
    /// Of these, those on a new device or with a new password.
    pub newcomers: usize,
}

/// Who has been sending. Cloning shares it.
#[derive(Clone)]
pub struct Climates {
    database: Database,
    kept: Cache<Climate>,
}

impl Climates {
    /// Nothing yet, on a service's engines.
    pub fn new(kit: &Kit) -> Self {
        let kept = Cache::new("climate", AGES, kit.cluster.clone(), kit.clock.clone(), kit.engine.clone());
        let is_ablated = kit.breakers.ablation().removes(Part::Cache);
        Self { database: kit.database.clone(), kept: kept.ablated(is_ablated) }
    }

    /// As of the last minute.
    pub async fn now(&self, context: &Context) -> Result<behaviour::Climate, LoadFailed> {
        let found = self.kept.get(context, KEY, KEY, |context| load(self.database.clone(), context)).await?;
        let climate = found.value().copied();
        Ok(climate.map_or_else(behaviour::Climate::default, |Climate { people, newcomers }| {
            behaviour::Climate { people, newcomers }
        }))
    }
}

async fn load(database: Database, context: Context) -> Result<Loaded<Climate>, LoadFailed> {
    let mut reader = database.read(&context).await?;
    let climate = store::usage::find_climate(&mut reader, context.clock().utc()).await?;
    Ok(Loaded { value: Some(climate), version: 0 })
}
