//! Settles what one piece of work waited for, so that a slow answer can be counted under the cause that took most of its time.
//!
//! Waits for the same cause at the same time count once. What takes less than half of an answer's time does not explain it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Cause;
use crate::clock::SharedClock;

/// Time spent waiting, by cause.
#[derive(Debug, Default)]
pub struct Waits(Mutex<Vec<Wait>>);

#[derive(Debug, Clone, Copy)]
struct Wait {
    cause: Cause,
    ended: Duration,
    under_way: u32,
    since: Instant,
}

impl Wait {
    fn time(&self, now: Instant) -> Duration {
        match self.under_way {
            0 => self.ended,
            _ => self.ended + now.saturating_duration_since(self.since),
        }
    }
}

/// A wait that is under way. Dropping it ends it, however it ends.
#[derive(Debug)]
pub struct Waiting<'a> {
    waits: &'a Waits,
    cause: Cause,
    clock: &'a SharedClock,
}

impl Waits {
    /// Begins to wait: `cause` is what a slow answer would be counted under.
    pub fn begin<'a>(&'a self, cause: Cause, clock: &'a SharedClock) -> Waiting<'a> {
        let now = clock.now();
        let mut waits = self.lock();
        match waits.iter_mut().find(|wait| wait.cause == cause) {
            Some(wait) => {
                wait.since = if wait.under_way == 0 { now } else { wait.since };
                wait.under_way += 1;
            }
            None => waits.push(Wait { cause, ended: Duration::ZERO, under_way: 1, since: now }),
        }
        Waiting { waits: self, cause, clock }
    }

    /// Adds a wait that somebody else has judged: one for work that others wait for as well.
    pub fn add(&self, cause: Cause, time: Duration, now: Instant) {
        let mut waits = self.lock();
        match waits.iter_mut().find(|wait| wait.cause == cause) {
            Some(wait) => wait.ended += time,
            None => waits.push(Wait { cause, ended: time, under_way: 0, since: now }),
        }
    }

    /// What was waited for longest so far, and how long.
    pub fn longest(&self, now: Instant) -> Option<(Cause, Duration)> {
        let waits = self.lock();
        waits.iter().map(|wait| (wait.cause, wait.time(now))).max_by_key(|(_, time)| *time)
    }

    /// Why an answer that took `elapsed` took so long.
    pub fn explain(&self, elapsed: Duration, now: Instant) -> Cause {
        let longest = self.longest(now).filter(|(_, time)| *time * 2 >= elapsed);
        longest.map_or(Cause::Unexplained, |(cause, _)| cause)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Wait>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let now = self.clock.now();
        let mut waits = self.waits.lock();
        let own = waits.iter_mut().find(|wait| wait.cause == self.cause);
        if let Some(wait) = own {
            wait.under_way = wait.under_way.saturating_sub(1);
            if wait.under_way == 0 {
                wait.ended += now.saturating_duration_since(wait.since);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::Clock;
    use crate::testing::ManualClock;

    const POSTGRES: Cause = Cause::DependencySlow("postgres");
    const AUTH: Cause = Cause::DependencySlow("auth");

    #[test]
    fn the_longest_wait_explains_a_slow_answer_when_it_is_half_of_it() {
        let (time, waits) = (ManualClock::default(), Waits::default());
        let clock: SharedClock = Arc::new(time.clone());
        let pass = |ms| time.advance(Duration::from_millis(ms));
        for (cause, ms) in [(AUTH, 300), (POSTGRES, 400), (AUTH, 200)] {
            let _waiting = waits.begin(cause, &clock);
            pass(ms);
        }
        assert_eq!(waits.longest(time.now()), Some((AUTH, Duration::from_millis(500))));
        assert_eq!(waits.explain(Duration::from_secs(1), time.now()), AUTH);
        assert_eq!(waits.explain(Duration::from_millis(1_001), time.now()), Cause::Unexplained);
    }

    #[test]
    fn waits_at_the_same_time_count_once_and_one_that_goes_on_counts_already() {
        let (time, waits) = (ManualClock::default(), Waits::default());
        let clock: SharedClock = Arc::new(time.clone());
        let pass = |ms| time.advance(Duration::from_millis(ms));
        let first = waits.begin(POSTGRES, &clock);
        pass(100);
        let second = waits.begin(POSTGRES, &clock);
        pass(100);
        drop(first);
        pass(100);
        assert_eq!(waits.longest(time.now()), Some((POSTGRES, Duration::from_millis(300))));
        drop(second);
        pass(100);
        assert_eq!(waits.longest(time.now()), Some((POSTGRES, Duration::from_millis(300))));
    }
}
