//! Settles how expired keys go away: in small batches, beside requests, by whichever instance comes first.

use std::time::Duration;

use rand::Rng;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::context::Context;
use crate::ids;
use crate::pg::{self, Database, Work};

/// Pause between sweeps. An expired key is harmless while it lies there: its next use takes it over.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// Rows deleted in one transaction, so that no request waits for more than a few milliseconds of it.
const BATCH: i64 = 1_000;
const SWEEP_LIMIT: Duration = Duration::from_secs(10);

/// The worker that deletes expired keys.
pub struct Sweeper {
    database: Database,
    clock: SharedClock,
}

impl Sweeper {
    /// Sweeps the keys of `database` by the time of `clock`.
    pub fn new(database: Database, clock: SharedClock) -> Self {
        Self { database, clock }
    }

    /// Runs until `stop`; safe in every instance.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let pause = match self.sweep().await {
                // A full batch: there is more at once.
                Ok(BATCH) => Duration::ZERO,
                Ok(_) => SWEEP_EVERY.mul_f64(ids::random().random_range(0.75..1.25)),
                Err(error) => {
                    tracing::warn!(%error, "expired idempotency keys could not be deleted");
                    SWEEP_EVERY
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Deletes one batch and says how many keys it had. Keys that somebody takes over just now are left alone.
    pub async fn sweep(&self) -> Result<i64, pg::Error> {
        let context = Context::background(self.clock.clone(), SWEEP_LIMIT);
        let sql = "delete from idempotency_key where (account_id, route, key) in (
                     select account_id, route, key from idempotency_key where expires_at <= $1
                     order by expires_at limit $2 for update skip locked)";
        let mut transaction = self.database.begin(&context, Work::Background).await?;
        let count = transaction.execute(sql, &[&self.clock.utc(), &BATCH]).await?;
        transaction.commit().await?;
        Ok(i64::try_from(count).unwrap_or(BATCH))
    }
}
