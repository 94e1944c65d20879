//! Settles how tests wait: for a condition, with a limit, never for a time.

use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

/// Asks until the answer is yes; fails with `what` after 20 s.
pub async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !condition().await {
        assert!(Instant::now() < end, "within {LIMIT:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
