//! Settles how often one caller may ask: so many at once, then so many a second, counted for a bounded number of callers.
//!
//! Why: one account or one machine in a loop must not use up what the others need.
//! When it trips: a caller has used its burst and asks faster than its rate. How it recovers: by itself, one request per
//! interval; the answer says when. Formula: GCRA (ITU-T I.371), as `governor` implements it. When more callers ask than are
//! kept, those that have not asked for longest are forgotten first ([`callers`]), which can only let them ask more; whoever has
//! been idle for a whole window is like a new one anyway.

mod callers;

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use garde::Validate;
use governor::clock::Clock as GovernorClock;
use governor::middleware::{StateInformationMiddleware, StateSnapshot};
use governor::{Quota, RateLimiter as Governor};
use serde::Deserialize;

use crate::clock::SharedClock;
use callers::Callers;

/// How often one caller may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests a second, in the long run.
    #[garde(range(min = 1, max = 1_000_000))]
    pub per_second: u32,
    /// Requests at once, after a pause.
    #[garde(range(min = 1, max = 10_000_000))]
    pub burst: u32,
}

impl Rate {
    /// Time in which a used-up burst is whole again.
    pub fn window(self) -> Duration {
        Duration::from_secs(u64::from(self.burst.div_ceil(self.per_second.max(1))))
    }
}

/// What is left to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The rule.
    pub rate: Rate,
    /// Requests that may follow at once.
    pub remaining: u32,
}

impl Allowance {
    /// Seconds until the burst is whole again.
    pub fn reset_s(&self) -> u32 {
        (self.rate.burst.saturating_sub(self.remaining)).div_ceil(self.rate.per_second.max(1))
    }
}

/// The caller has asked too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// What is left: nothing.
    pub allowance: Allowance,
    /// When the next request may come.
    pub retry_in: Duration,
}

/// One rule for many callers. Cloning shares the counts.
#[derive(Clone)]
pub struct RateLimiter<K: Hash + Eq + Clone> {
    rate: Rate,
    clock: GovernedBy,
    buckets: Arc<Governor<K, Callers<K>, GovernedBy, StateInformationMiddleware>>,
}

impl<K: Hash + Eq + Clone> RateLimiter<K> {
    /// At most `most_callers` are kept; one takes about 60 bytes.
    pub fn new(rate: Rate, most_callers: u64, clock: SharedClock) -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(rate.per_second)).allow_burst(at_least_one(rate.burst));
        let clock = GovernedBy(clock);
        let buckets = Governor::new(quota, Callers::new(most_callers), clock.clone());
        Self { rate, clock, buckets: Arc::new(buckets) }
    }

    /// Counts one request of `caller`.
    pub fn check(&self, caller: &K) -> Result<Allowance, Exceeded> {
        let allowance = |remaining| Allowance { rate: self.rate, remaining };
        match self.buckets.check_key(caller) {
            Ok(state) => Ok(allowance(StateSnapshot::remaining_burst_capacity(&state))),
            Err(not_until) => Err(Exceeded {
                allowance: allowance(0),
                retry_in: not_until.wait_time_from(self.clock.now()),
            }),
        }
    }
}

/// The service's clock, as governor asks for it.
#[derive(Debug, Clone)]
struct GovernedBy(SharedClock);

impl GovernorClock for GovernedBy {
    type Instant = Instant;

    fn now(&self) -> Instant {
        self.0.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ManualClock;
    use proptest::prelude::*;

    const RATE: Rate = Rate { per_second: 2, burst: 4 };

    fn limiter(clock: &ManualClock, most_callers: u64) -> RateLimiter<u32> {
        RateLimiter::new(RATE, most_callers, Arc::new(clock.clone()))
    }

    #[test]
    fn a_burst_passes_then_one_request_per_interval_and_others_are_not_touched() {
        let clock = ManualClock::default();
        let limiter = limiter(&clock, 100);
        let left: Vec<_> = (0..4).map(|_| limiter.check(&1).unwrap().remaining).collect();
        assert_eq!(left, [3, 2, 1, 0]);
        let refused = limiter.check(&1).unwrap_err();
        assert_eq!((refused.retry_in, refused.allowance.reset_s()), (Duration::from_millis(500), 2));
        assert!(limiter.check(&2).is_ok(), "another caller has its own count");
        clock.advance(Duration::from_millis(500));
        assert!(limiter.check(&1).is_ok());
        assert!(limiter.check(&1).is_err());
    }

    proptest! {
        #[test]
        fn in_any_window_no_more_passes_than_burst_and_rate_allow(pauses in prop::collection::vec(0_u64..700, 1..80)) {
            let clock = ManualClock::default();
            let limiter = limiter(&clock, 100);
            let (mut passed, mut elapsed_ms) = (0_u64, 0_u64);
            for pause in pauses {
                clock.advance(Duration::from_millis(pause));
                elapsed_ms += pause;
                passed += u64::from(limiter.check(&1).is_ok());
                let allowed = u64::from(RATE.burst) + elapsed_ms * u64::from(RATE.per_second) / 1_000;
                prop_assert!(passed <= allowed, "{passed} passed in {elapsed_ms} ms");
            }
        }
    }
}
