//! Settles by showing how a rate limit trips and recovers: one account in a loop, one that reads, and when the first may go on.
//!
//! `cargo run -p shared --example rate_limit`: time is a clock that the program moves, so it ends at once.

use std::sync::Arc;
use std::time::Duration;

use shared::resilience::rate_limit::{Rate, RateLimiter};
use shared::testing::ManualClock;

/// What an account may do here: ten at once, then two a second.
const RATE: Rate = Rate { per_second: 2, burst: 10 };

/// How many of `asked` requests pass, and when the next one may.
fn ask(limiter: &RateLimiter<&'static str>, who: &'static str, asked: u32) -> (u32, Duration) {
    let mut retry_in = Duration::ZERO;
    let passes = |_: &u32| limiter.check(&who).map_err(|exceeded| retry_in = exceeded.retry_in).is_ok();
    let passed = u32::try_from((0..asked).filter(passes).count()).unwrap_or(asked);
    (passed, retry_in)
}

/// Shows ten seconds.
pub fn main() {
    let clock = ManualClock::default();
    let limiter = RateLimiter::new(RATE, 1_000, Arc::new(clock.clone()));
    println!("an account in a loop asks 50 times a second until 5 s; another asks once a second");
    println!("{:>6}  {:>12}  {:>12}  {:>12}", "second", "loop: passed", "next one in", "the other");
    for second in 0..10 {
        let asked = if second < 5 { 50 } else { 2 };
        let (passed, retry_in) = ask(&limiter, "loop", asked);
        let (other, _) = ask(&limiter, "other", 1);
        println!("{second:>6}  {passed:>5} of {asked:>3}  {:>9} ms  {other:>12}", retry_in.as_millis());
        let expected = if second == 0 { 10 } else { 2 };
        assert_eq!((passed, other), (expected, 1), "second {second}");
        clock.advance(Duration::from_secs(1));
    }
}
