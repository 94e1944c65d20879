//! Settles when texts that were withdrawn for good, and sealed ones of closed incidents, are deleted: late, in batches, never in an open incident.

use std::time::Duration;

use chrono::TimeDelta;
use shared::clock::SharedClock;
use shared::context::Context;
use shared::pg::{self, Database, Work};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::store;

/// How long a text stays that two persons withdrew for good: an incident that comes to light later still finds it.
const BODIES_FOR: TimeDelta = TimeDelta::days(90);
/// How long sealed messages stay after their incident was closed: whoever closes it destroys nothing.
const SEALED_FOR: TimeDelta = TimeDelta::days(400);
/// How often.
const EVERY: Duration = Duration::from_mins(10);
/// Rows of one statement.
const BATCH: i64 = 500;
/// Batches of one kind in a row, before the other and a pause.
const MOST_BATCHES: usize = 20;
/// Time for one batch.
const LIMIT: Duration = Duration::from_secs(10);

/// What is deleted.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Bodies,
    Sealed,
}

/// Deletes what is kept no longer. Instances may do so at the same time.
pub struct Retention {
    /// Where it is.
    pub database: Database,
    /// The time.
    pub clock: SharedClock,
}

impl Retention {
    /// The worker.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            for kind in [Kind::Bodies, Kind::Sealed] {
                if let Err(error) = self.delete(kind, &stop).await {
                    tracing::warn!(%error, ?kind, "what is kept no longer could not be deleted");
                }
            }
            if stop.run_until_cancelled(sleep(EVERY)).await.is_none() {
                return;
            }
        }
    }

    async fn delete(&self, kind: Kind, stop: &CancellationToken) -> Result<(), pg::Error> {
        for _ in 0..MOST_BATCHES {
            if self.delete_batch(kind).await? < BATCH.unsigned_abs() || stop.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    async fn delete_batch(&self, kind: Kind) -> Result<u64, pg::Error> {
        let context = Context::background(self.clock.clone(), LIMIT);
        let now = self.clock.utc();
        let mut transaction = self.database.begin(&context, Work::Background).await?;
        let count = match kind {
            Kind::Bodies => {
                store::retention::delete_bodies(&mut transaction, now - BODIES_FOR, now, BATCH).await?
            }
            Kind::Sealed => {
                store::retention::delete_sealed(&mut transaction, now - SEALED_FOR, BATCH).await?
            }
        };
        transaction.commit().await?;
        Ok(count)
    }
}
