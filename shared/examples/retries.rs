//! Settles by showing what a retry budget saves: clients that try three times, with a budget and without, while nothing answers.
//!
//! `cargo run -p shared --example retries`: time is a clock that the program moves, so it ends at once.

use std::sync::Arc;
use std::time::Duration;

use shared::resilience::retry_budget::{Failed, RetryBudget, Shares};
use shared::testing::ManualClock;

/// Shows it.
pub fn main() {
    println!("200 calls a second, each tried up to three times; what the dependency is asked each second");
    println!("{:>6}  {:>14}  {:>14}", "second", "with a budget", "without");
    let clock = ManualClock::default();
    let bounded = RetryBudget::new(Shares::default(), Arc::new(clock.clone()));
    let unbounded = RetryBudget::new(Shares::default(), Arc::new(clock.clone())).ablated(true);
    for second in 0..10 {
        let is_away = (3..7).contains(&second);
        let (mut with, mut without) = (0, 0);
        for _ in 0..200 {
            with += attempts(&bounded, is_away);
            without += attempts(&unbounded, is_away);
            clock.advance(Duration::from_millis(5));
        }
        assert!(!is_away || with * 2 < without, "second {second}");
        println!("{second:>6}  {with:>14}  {without:>14}{}", if is_away { "   away" } else { "" });
    }
}

/// How often one call is tried.
fn attempts(budget: &RetryBudget, is_away: bool) -> u32 {
    budget.deposit();
    let mut attempts = 1;
    while is_away && attempts < 3 && budget.try_withdraw(Failed::NotTaken) {
        attempts += 1;
    }
    attempts
}
