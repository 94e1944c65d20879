//! Settles by showing how a circuit breaker trips and recovers: a morning with a sibling that stops answering for twelve seconds.
//!
//! `cargo run -p shared --example breaker`: time is a clock that the program moves, so it ends at once.

use std::sync::Arc;
use std::time::Duration;

use shared::clock::Clock;
use shared::resilience::breaker::{Breaker, Outcome, Policy, State};
use shared::testing::ManualClock;

/// A call every 100 ms.
const STEP: Duration = Duration::from_millis(100);

/// Shows it.
pub fn main() {
    let clock = ManualClock::default();
    let breaker = Breaker::new(Policy::default(), Arc::new(clock.clone())).with_listener({
        let clock = clock.clone();
        Box::new(move |change| {
            let (ms, counts) = (clock.coarse_ms(), change.counts);
            println!(
                "{ms:>6} ms  {:>9} -> {:<9}  {} of {} calls failed; open for {} ms",
                change.from.name(),
                change.to.name(),
                counts.failed,
                counts.calls(),
                change.open_for.as_millis()
            );
        })
    });
    println!("the sibling fails from 3 s to 15 s");
    let (mut failed, mut refused) = (0, 0);
    for _ in 0..250 {
        let is_away = (3_000..15_000).contains(&clock.coarse_ms());
        match breaker.acquire() {
            Ok(permit) if is_away => {
                failed += 1;
                permit.report(Outcome::Failure);
            }
            Ok(permit) => permit.report(Outcome::Success),
            Err(_) => refused += 1,
        }
        clock.advance(STEP);
    }
    println!(
        "{failed} calls waited for nothing, {refused} were refused at once; 120 would have waited without it"
    );
    assert!(failed < 60 && breaker.state() == State::Closed, "it tripped and recovered");
}
