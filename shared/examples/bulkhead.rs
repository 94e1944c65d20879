//! Settles by showing what a bulkhead keeps free: a service with sixteen places, one dependency of which hangs, with a wall around it and without.
//!
//! `cargo run -p shared --example bulkhead`: takes about three seconds.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use shared::clock::{SharedClock, system_clock};
use shared::context::Context;
use shared::resilience::bulkhead::Bulkhead;
use tokio::sync::Semaphore;

/// Requests that the service works on at once.
const PLACES: usize = 16;
/// Of which so many may wait for the dependency.
const WALL: usize = 4;
/// What a request waits for the dependency, which does not answer, and for a place behind the wall.
const HANGS: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_millis(20);
/// Whoever waits longer than this for something that needs no dependency notices it.
const NOTICED: Duration = Duration::from_millis(500);

/// Twenty requests need what hangs, then twenty need nothing of it.
async fn morning(wall: &Arc<Bulkhead>, clock: &SharedClock) -> (usize, usize) {
    let service = Semaphore::new(PLACES);
    let needy = join_all((0..20).map(|_| async {
        let _place = service.acquire().await;
        let context = Context::background(clock.clone(), Duration::from_secs(1));
        match wall.acquire(&context, LONGEST_WAIT).await {
            Ok(_place) => tokio::time::sleep(HANGS).await,
            Err(_) => return true,
        }
        false
    }));
    let others =
        join_all((0..20).map(|_| async { tokio::time::timeout(NOTICED, service.acquire()).await.is_ok() }));
    let (refused, in_time) = tokio::join!(needy, others);
    (refused.into_iter().filter(|is| *is).count(), in_time.into_iter().filter(|is| *is).count())
}

/// Shows both mornings.
#[tokio::main(flavor = "current_thread")]
pub async fn main() {
    let clock = system_clock();
    println!(
        "20 requests need a dependency that hangs, 20 others do not; the service works on {PLACES} at once"
    );
    let walled = Arc::new(Bulkhead::new(WALL));
    for (name, wall) in [
        ("a wall of 4", walled.clone()),
        ("no wall", Arc::new(Bulkhead::new(WALL).ablated(true))),
        ("a wall of 4, again", walled),
    ] {
        let (refused, in_time) = morning(&wall, &clock).await;
        println!(
            "{name:>20}: {refused:>2} refused after {LONGEST_WAIT:?}; of the others {in_time:>2} were served in time"
        );
        assert_eq!(in_time == 20, name != "no wall", "{name}");
    }
}
