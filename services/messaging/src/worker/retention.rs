//! Settles when what messaging keeps no longer is deleted: old texts and contacts, texts withdrawn for good, sealed
//! ones of closed incidents, and old news of mailboxes.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;
use shared::clock::SharedClock;
use shared::context::Context;
use shared::ids;
use shared::pg::{self, Database, Transaction, Work};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::store;

/// How long a text stays that two persons withdrew for good: an incident that comes to light later still finds it.
const BODIES_FOR: TimeDelta = TimeDelta::days(90);
/// How long sealed messages stay after their incident was closed: whoever closes it destroys nothing.
const SEALED_FOR: TimeDelta = TimeDelta::days(400);
/// Rows of one statement.
const BATCH: i64 = 1_000;
/// Batches in a row before a pause.
const MOST_BATCHES: usize = 100;
/// Time for one batch.
const LIMIT: Duration = Duration::from_secs(10);

/// What is deleted. What is old is not looked at, whether it lies there or not.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// What texts are compared with.
    Texts,
    /// To whom somebody wrote more than a school year ago.
    Contacts,
    /// What two persons withdrew for good, except in an open incident.
    Bodies,
    /// Evidence of closed incidents.
    Sealed,
    /// What came and went in mailboxes more than a day ago.
    Events,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Texts, Self::Contacts, Self::Bodies, Self::Sealed, Self::Events];

    /// The pause between sweeps: texts and news come by the thousand in a minute, the others over months.
    const fn every(self) -> Duration {
        match self {
            Self::Texts | Self::Events => Duration::from_mins(1),
            Self::Contacts | Self::Bodies | Self::Sealed => Duration::from_mins(10),
        }
    }

    async fn delete(self, transaction: &mut Transaction, now: DateTime<Utc>) -> Result<u64, pg::Error> {
        match self {
            Self::Texts => store::text::delete_old(transaction, now, BATCH).await,
            Self::Contacts => store::usage::delete_old(transaction, now, BATCH).await,
            Self::Bodies => store::retention::delete_bodies(transaction, now - BODIES_FOR, now, BATCH).await,
            Self::Sealed => store::retention::delete_sealed(transaction, now - SEALED_FOR, BATCH).await,
            Self::Events => store::event::delete_old(transaction, now, BATCH).await,
        }
    }
}

/// Deletes what is kept no longer. Instances may do so at the same time.
#[derive(Clone)]
pub struct Retention {
    /// Where it is.
    pub database: Database,
    /// The time.
    pub clock: SharedClock,
}

impl Retention {
    /// The worker of one kind, until `stop`.
    pub async fn run(self, kind: Kind, stop: CancellationToken) {
        loop {
            if let Err(error) = self.sweep(kind, &stop).await {
                tracing::warn!(%error, ?kind, "what is kept no longer could not be deleted");
            }
            let pause = kind.every().mul_f64(ids::random().random_range(0.75..1.25));
            if stop.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    async fn sweep(&self, kind: Kind, stop: &CancellationToken) -> Result<(), pg::Error> {
        for _ in 0..MOST_BATCHES {
            if self.delete_batch(kind).await? < BATCH.unsigned_abs() || stop.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    async fn delete_batch(&self, kind: Kind) -> Result<u64, pg::Error> {
        let context = Context::background(self.clock.clone(), LIMIT);
        let mut transaction = self.database.begin(&context, Work::Background).await?;
        let count = kind.delete(&mut transaction, self.clock.utc()).await?;
        transaction.commit().await?;
        Ok(count)
    }
}
