//! Settles how campaigns are worked off: batch after batch in whichever instance, each in a transaction, so that a crash repeats nothing.

use std::time::Duration;

use shared::clock::SharedClock;
use shared::context::Context;
use shared::resilience::backoff::Backoff;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::domain::campaign::work_off;
use crate::domain::revocation::Revocations;

/// How often an instance looks for work.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const BATCH_LIMIT: Duration = Duration::from_secs(10);
/// Pauses while a batch fails.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));

/// Works off campaigns until it is stopped.
pub async fn run(revocations: Revocations, clock: SharedClock, stop: CancellationToken) {
    let mut failures = 0;
    while !stop.is_cancelled() {
        let context = Context::background(clock.clone(), BATCH_LIMIT);
        let outcome = work_off(&revocations, &context).await;
        let pause = match outcome {
            Ok(true) => {
                failures = 0;
                continue;
            }
            Ok(false) => {
                failures = 0;
                LOOK_EVERY
            }
            Err(error) => {
                failures += 1;
                if failures == 1 {
                    tracing::warn!(%error, "a campaign waits: its next batch could not be done");
                }
                BACKOFF.pause(failures)
            }
        };
        stop.run_until_cancelled(sleep(pause)).await;
    }
}
