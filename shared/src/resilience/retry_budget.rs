//! Settles how much work retries may add: a tenth of the calls and one a second, so that they cannot turn a small outage into a large one.
//!
//! Why: three layers that try three times each turn one call into 27 (Google SRE book, "Addressing Cascading Failures").
//! A bucket of tokens, as Finagle's `RetryBudget` and Envoy's retry budget have it: each call puts a tenth of a token in,
//! each second one token (so that a quiet client may retry at all), each retry takes a whole one; the bucket holds so
//! many and no more, which bounds the burst after a long quiet time. It trips when the bucket is empty, and recovers by
//! calls that need no retry. In any window: retries <= size + calls / 10 + seconds.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::SharedClock;

/// What became of the attempt that is to be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// Nobody took the call, so it had no effect: the connection was refused.
    NotTaken,
    /// It may have had an effect: only for calls that may be carried out twice.
    Unanswered,
    /// Whoever was asked said that it has too much to do. Never retried: another request is the last thing it needs.
    Overloaded,
}

/// How retries relate to calls.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    /// Retries earned by a hundred calls.
    pub per_hundred_calls: u32,
    /// Retries earned by a second, whatever is called.
    pub per_second: u32,
    /// Most retries that can be saved up.
    pub size: u32,
}

impl Default for Shares {
    /// A tenth of the calls and one a second; 20 at once, which covers a connection pool that was reset.
    fn default() -> Self {
        Self { per_hundred_calls: 10, per_second: 1, size: 20 }
    }
}

/// The retries that one client of one dependency may still make.
#[derive(Debug)]
pub struct RetryBudget {
    clock: SharedClock,
    shares: Shares,
    is_ablated: bool,
    /// Time of the last look (ms, high bits) and thousandths of tokens (low bits): one word, so that both change together.
    state: AtomicU64,
}

/// Bits for thousandths of tokens: up to 16,777 tokens.
const TOKEN_BITS: u32 = 24;
const TOKEN_MASK: u64 = (1 << TOKEN_BITS) - 1;
/// Thousandths in a token.
const TOKEN: u64 = 1_000;

impl RetryBudget {
    /// A full budget.
    pub fn new(shares: Shares, clock: SharedClock) -> Self {
        let state = AtomicU64::new(pack(clock.coarse_ms(), u64::from(shares.size) * TOKEN));
        Self { clock, shares, is_ablated: false, state }
    }

    /// Limits nothing: what proofs compare with.
    #[must_use]
    pub fn ablated(self, is_ablated: bool) -> Self {
        Self { is_ablated, ..self }
    }

    /// Counts a call (not a retry): it earns its share of a retry.
    pub fn deposit(&self) {
        self.settle(u64::from(self.shares.per_hundred_calls) * TOKEN / 100, 0);
    }

    /// Whether an attempt that ended like this may be repeated now. Takes a token where it may.
    pub fn try_withdraw(&self, failed: Failed) -> bool {
        match failed {
            Failed::Overloaded => false,
            Failed::NotTaken | Failed::Unanswered => self.is_ablated || self.settle(0, TOKEN),
        }
    }

    /// Whole retries left.
    pub fn left(&self) -> u64 {
        self.refilled(self.state.load(Ordering::Relaxed)).1 / TOKEN
    }

    /// Adds what time and a call have earned, then takes `price`; false where there is not enough.
    fn settle(&self, earned: u64, price: u64) -> bool {
        let mut has_paid = false;
        let outcome = self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| {
            let (now, tokens) = self.refilled(state);
            let tokens = (tokens + earned).min(self.most());
            has_paid = tokens >= price;
            has_paid.then(|| pack(now, tokens - price))
        });
        outcome.is_ok() && has_paid
    }

    fn refilled(&self, state: u64) -> (u64, u64) {
        let (then, tokens) = (state >> TOKEN_BITS, state & TOKEN_MASK);
        let now = self.clock.coarse_ms().max(then);
        // One token a second is a thousandth a millisecond.
        let earned = (now - then).saturating_mul(u64::from(self.shares.per_second));
        (now, tokens.saturating_add(earned).min(self.most()))
    }

    fn most(&self) -> u64 {
        (u64::from(self.shares.size) * TOKEN).min(TOKEN_MASK)
    }
}

fn pack(now: u64, tokens: u64) -> u64 {
    now << TOKEN_BITS | tokens.min(TOKEN_MASK)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::ManualClock;

    fn budget(clock: &ManualClock) -> RetryBudget {
        RetryBudget::new(Shares::default(), Arc::new(clock.clone()))
    }

    fn drain(budget: &RetryBudget) -> u32 {
        (0..1_000).take_while(|_| budget.try_withdraw(Failed::NotTaken)).fold(0, |count, _| count + 1)
    }

    #[test]
    fn an_answer_that_says_overloaded_is_never_retried() {
        let clock = ManualClock::default();
        assert!(!budget(&clock).try_withdraw(Failed::Overloaded));
        assert!(!budget(&clock).ablated(true).try_withdraw(Failed::Overloaded));
    }

    #[test]
    fn calls_and_seconds_earn_retries_up_to_the_size() {
        let clock = ManualClock::default();
        let budget = budget(&clock);
        assert_eq!(drain(&budget), 20);
        (0..30).for_each(|_| budget.deposit());
        assert_eq!(drain(&budget), 3);
        clock.advance(Duration::from_secs(2));
        assert_eq!(drain(&budget), 2);
        clock.advance(Duration::from_hours(1));
        assert_eq!(drain(&budget), 20);
    }

    /// A call, an attempt to retry, or milliseconds that pass.
    #[derive(Debug, Clone)]
    enum Step {
        Call,
        Retry,
        Pass(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => Just(Step::Call),
            6 => Just(Step::Retry),
            2 => (0_u64..1_500).prop_map(Step::Pass),
        ];
        proptest::collection::vec(step, 1..400)
    }

    proptest! {
        #[test]
        fn retries_stay_within_the_budget_in_any_window(steps in steps()) {
            let clock = ManualClock::default();
            let budget = budget(&clock);
            // (milliseconds, calls, retries) after each step.
            let mut log = vec![(0_u64, 0_u64, 0_u64)];
            for step in steps {
                let (mut now, mut calls, mut retries) = log.last().copied().unwrap();
                match step {
                    Step::Call => { budget.deposit(); calls += 1; }
                    Step::Retry => retries += u64::from(budget.try_withdraw(Failed::Unanswered)),
                    Step::Pass(ms) => { clock.advance(Duration::from_millis(ms)); now += ms; }
                }
                log.push((now, calls, retries));
            }
            for (index, from) in log.iter().enumerate() {
                for to in &log[index..] {
                    let allowed = 20_000 + (to.1 - from.1) * 100 + (to.0 - from.0);
                    prop_assert!((to.2 - from.2) * 1_000 <= allowed, "{from:?} .. {to:?}");
                }
            }
        }
    }
}
