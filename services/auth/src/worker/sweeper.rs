//! Settles when rows that have ended are deleted: in batches, so that no statement holds many rows for long.

use std::time::Duration;

use chrono::TimeDelta;
use shared::clock::SharedClock;
use shared::context::Context;
use shared::pg::{self, Database, Work};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::store;
use crate::store::ended::Ended;

/// How often.
const EVERY: Duration = Duration::from_mins(1);
/// Rows of one statement.
const BATCH: i64 = 1_000;
/// Batches of one kind in a row, before the others and a pause.
const MOST_BATCHES: usize = 20;
/// Time for one batch.
const LIMIT: Duration = Duration::from_secs(10);

/// Deletes what has ended. Instances may do so at the same time.
pub struct Sweeper {
    /// Where it is.
    pub database: Database,
    /// The time.
    pub clock: SharedClock,
}

impl Sweeper {
    /// The worker.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            for ended in Ended::ALL {
                if let Err(error) = self.sweep(ended, &stop).await {
                    tracing::warn!(%error, ?ended, "rows that have ended could not be deleted");
                }
            }
            if stop.run_until_cancelled(sleep(EVERY)).await.is_none() {
                return;
            }
        }
    }

    async fn sweep(&self, ended: Ended, stop: &CancellationToken) -> Result<(), pg::Error> {
        for _ in 0..MOST_BATCHES {
            let is_last = self.delete_batch(ended).await? < BATCH.unsigned_abs();
            if is_last || stop.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    async fn delete_batch(&self, ended: Ended) -> Result<u64, pg::Error> {
        let context = Context::background(self.clock.clone(), LIMIT);
        let before = self.clock.utc() - kept(ended);
        let mut transaction = self.database.begin(&context, Work::Background).await?;
        let count = store::ended::delete(&mut transaction, ended, before, BATCH).await?;
        transaction.commit().await?;
        Ok(count)
    }
}

/// How long something stays after it has ended. Whoever repeats a containment does so within hours; a month leaves no doubt. What
/// administrators did is listed for a school year and some weeks; the audit log keeps it for good. Sign-ins are kept for twelve months.
fn kept(ended: Ended) -> TimeDelta {
    match ended {
        Ended::Codes | Ended::Enrolments => TimeDelta::zero(),
        Ended::Containments => TimeDelta::days(31),
        Ended::Switches | Ended::CampaignMembers | Ended::CampaignSheets | Ended::Campaigns => {
            TimeDelta::days(400)
        }
        Ended::SecurityEvents | Ended::SecurityEventLosses | Ended::SecurityEventWriters => {
            TimeDelta::days(366)
        }
    }
}
