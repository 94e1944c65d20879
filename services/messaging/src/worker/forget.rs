//! Settles how what was remembered of texts and contacts goes away: in batches, beside requests, by whichever instance comes first.

use std::time::Duration;

use rand::Rng;
use shared::clock::SharedClock;
use shared::context::Context;
use shared::ids;
use shared::pg::{Database, Error, Work};
use tokio_util::sync::CancellationToken;

use crate::store;

/// Pause between sweeps. What is old is not looked at, whether it lies there or not.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
const SWEEP_LIMIT: Duration = Duration::from_secs(10);

/// Runs until `stop`; safe in every instance.
pub async fn run(database: Database, clock: SharedClock, stop: CancellationToken) {
    loop {
        let pause = match sweep(&database, &clock).await {
            // There is more at once.
            Ok(true) => Duration::ZERO,
            Ok(false) => SWEEP_EVERY.mul_f64(ids::random().random_range(0.75..1.25)),
            Err(error) => {
                tracing::warn!(%error, "old texts and contacts could not be deleted");
                SWEEP_EVERY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Deletes one batch of each; says whether one was full.
pub async fn sweep(database: &Database, clock: &SharedClock) -> Result<bool, Error> {
    let (context, now) = (Context::background(clock.clone(), SWEEP_LIMIT), clock.utc());
    let mut transaction = database.begin(&context, Work::Background).await?;
    let texts = store::text::delete_old(&mut transaction, now).await?;
    let contacts = store::usage::delete_old(&mut transaction, now).await?;
    transaction.commit().await?;
    let full = u64::try_from(store::text::BATCH).unwrap_or(u64::MAX);
    Ok(texts >= full || contacts >= full)
}
