//! Settles what an instance remembers of an entry besides the entry: until when, and since which news, a hit needs no second question.
//!
//! A surge consists of hits. Asking the calendar and the table of versions for each costs more than finding the entry, so
//! both are asked once: the age until the entry stops being fresh, the versions until one of them is raised.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::entry::{Entry, Policy};
use crate::clock::Clock;

/// No news has this number: the versions have not been asked yet.
const NEVER: u64 = u64::MAX;

/// An entry in this instance. What a hit looks at comes first, in the cache line of the counts of its `Arc`.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Held<V> {
    /// By the coarse clock, which lags a few milliseconds and cannot be set.
    fresh_until_ms: u64,
    /// The last news at which the entry's version was found to be the newest known.
    current_at: AtomicU64,
    pub(super) entry: Entry<V>,
}

impl<V> Held<V> {
    pub(super) fn new(entry: Entry<V>, policy: &Policy, clock: &dyn Clock) -> Self {
        let age = entry.age(clock.utc().timestamp_millis());
        let left = entry.fresh_for(policy).saturating_sub(age);
        Self { fresh_until_ms: later(clock.coarse_ms(), left), current_at: AtomicU64::new(NEVER), entry }
    }

    /// Whether it is an answer without any question, `news` being the newest there is. May say no to one that is.
    pub(super) fn is_known_fresh(&self, coarse_ms: u64, news: u64) -> bool {
        self.current_at.load(Ordering::Relaxed) == news && coarse_ms < self.fresh_until_ms
    }

    /// The versions were asked, and `news` was read before that: what was raised since then has a higher number.
    pub(super) fn was_current_at(&self, news: u64) {
        self.current_at.store(news, Ordering::Relaxed);
    }
}

fn later(coarse_ms: u64, by: Duration) -> u64 {
    coarse_ms.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Fingerprint;
    use crate::testing::ManualClock;

    const POLICY: Policy = Policy {
        fresh: Duration::from_secs(100),
        stale_while_revalidate: Duration::from_secs(50),
        stale_if_error: Duration::from_mins(10),
        negative: Duration::from_secs(10),
    };

    #[test]
    fn it_is_known_to_be_fresh_until_its_age_or_the_next_news_and_never_before_the_versions_were_asked() {
        let clock = ManualClock::default();
        let loaded_at_ms = clock.utc().timestamp_millis();
        clock.advance(Duration::from_secs(30));
        let fingerprint = Fingerprint::of(1, &1);
        let entry = Entry { value: Some(1), version: 1, fingerprint, loaded_at_ms, jitter: 0 };
        let held = Held::new(entry, &POLICY, &clock);
        assert!(!held.is_known_fresh(clock.coarse_ms(), 5), "nobody has asked the versions");
        held.was_current_at(5);
        assert!(held.is_known_fresh(clock.coarse_ms(), 5));
        assert!(!held.is_known_fresh(clock.coarse_ms(), 6), "something was raised");
        clock.advance(Duration::from_millis(69_999));
        assert!(held.is_known_fresh(clock.coarse_ms(), 5));
        clock.advance(Duration::from_millis(1));
        assert!(!held.is_known_fresh(clock.coarse_ms(), 5), "100 s have passed since it was loaded");
    }
}
