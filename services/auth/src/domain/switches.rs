//! Settles how every instance goes by the same switches: read once a second, and the last good copy while the database is away.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::audit::Order;
use shared::clock::SharedClock;
use shared::context::Context;
use shared::pg::{self, Database, Work};
use shared::session::{Membership, Role};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::switch::{self, Held, NewSwitch, Switch};
use super::waiting_room::Weights;
use crate::error::Error;
use crate::store;

/// How often the table is read: a switch holds everywhere within that and the time of one read.
const READ_EVERY: Duration = Duration::from_secs(1);
const READ_LIMIT: Duration = Duration::from_secs(2);

/// What this instance goes by. Cloning shares it.
#[derive(Clone)]
pub struct Switches {
    database: Database,
    clock: SharedClock,
    /// In seconds; see [`switch::open`].
    shortest_idle_s: u64,
    copy: Arc<RwLock<Copy>>,
}

#[derive(Default)]
struct Copy {
    held: Arc<Held>,
    read_at: DateTime<Utc>,
    is_stale: bool,
}

impl Switches {
    /// None, until they are read.
    pub fn new(database: Database, clock: SharedClock, shortest_idle_s: u64) -> Self {
        Self { database, clock, shortest_idle_s, copy: Arc::default() }
    }

    /// Reads the table. Whatever holds at a start is known before anybody is let in.
    pub async fn read(&self) -> Result<(), pg::Error> {
        let context = Context::background(self.clock.clone(), READ_LIMIT);
        let now = self.clock.utc();
        // The primary: a switch must not wait for a replica.
        let mut reader = self.database.reader(&context, Work::Background).await?;
        let held = Arc::new(Held::of(store::switch::find_open(&mut reader, now).await?));
        *self.copy.write().unwrap_or_else(PoisonError::into_inner) =
            Copy { held, read_at: now, is_stale: false };
        Ok(())
    }

    /// Makes a switch, which holds in this instance at once.
    pub async fn open(&self, context: &Context, order: &Order, new: NewSwitch) -> Result<Switch, Error> {
        let switch = switch::open(&self.database, context, order, new, self.shortest_idle_s).await?;
        self.read_soon().await;
        Ok(switch)
    }

    /// Ends a switch of a school, or of all schools, before its time.
    pub async fn end(
        &self,
        context: &Context,
        order: &Order,
        school: Option<Uuid>,
        id: Uuid,
    ) -> Result<(), Error> {
        switch::end(&self.database, context, order, school, id).await?;
        self.read_soon().await;
        Ok(())
    }

    /// It is committed: where this read fails, the worker's next one tells.
    async fn read_soon(&self) {
        if let Err(error) = self.read().await {
            tracing::info!(%error, "a switch is committed and will be read in a moment");
        }
    }

    /// The worker that reads; one in each instance.
    pub async fn run(self, stop: CancellationToken) {
        let mut is_away = false;
        while stop.run_until_cancelled(sleep(READ_EVERY)).await.is_some() {
            let outcome = self.read().await;
            if let (Err(error), false) = (&outcome, is_away) {
                tracing::warn!(%error, "switches cannot be read; the last copy holds");
            }
            is_away = outcome.is_err();
            self.copy.write().unwrap_or_else(PoisonError::into_inner).is_stale = is_away;
        }
    }

    /// Until when somebody with these roles stays out.
    pub fn closed_until(&self, memberships: &[Membership]) -> Option<DateTime<Utc>> {
        self.held().closed_until(memberships, self.clock.utc())
    }

    /// How long a session of somebody with these roles may rest, in seconds.
    pub fn idle_s(&self, memberships: &[Membership], configured_s: u64) -> u64 {
        self.held().idle_s(memberships, configured_s, self.clock.utc())
    }

    /// How the lanes share now, where that was switched.
    pub fn lane_weights(&self) -> Option<Weights> {
        self.held().lane_weights(self.clock.utc())
    }

    /// Roles to which sign-in is closed in every school, and until when.
    pub fn closings(&self) -> Vec<(Role, DateTime<Utc>)> {
        self.held().closings(self.clock.utc())
    }

    /// `{not_over, read_at, is_stale}`, for `/statusz`.
    pub fn report(&self) -> Value {
        let copy = self.copy.read().unwrap_or_else(PoisonError::into_inner);
        json!({ "not_over": copy.held.count(), "read_at": copy.read_at, "is_stale": copy.is_stale })
    }

    fn held(&self) -> Arc<Held> {
        self.copy.read().unwrap_or_else(PoisonError::into_inner).held.clone()
    }
}
