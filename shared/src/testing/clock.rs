//! Settles how tests move time: a clock that stands still until told otherwise.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::{Clock, SystemClock};

/// A clock that only [`ManualClock::advance`] moves. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct ManualClock {
    start: Instant,
    start_utc: DateTime<Utc>,
    passed: Arc<Mutex<Duration>>,
}

impl Default for ManualClock {
    /// 2026-09-01T06:00:00Z, the first morning of a school year.
    fn default() -> Self {
        let start_utc = DateTime::UNIX_EPOCH + TimeDelta::seconds(1_788_242_400);
        Self { start: SystemClock.now(), start_utc, passed: Arc::default() }
    }
}

impl ManualClock {
    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        if let Ok(mut passed) = self.passed.lock() {
            *passed += by;
        }
    }

    fn passed(&self) -> Duration {
        self.passed.lock().map(|passed| *passed).unwrap_or_default()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.start + self.passed()
    }

    fn coarse_ms(&self) -> u64 {
        u64::try_from(self.passed().as_millis()).unwrap_or(u64::MAX)
    }

    fn utc(&self) -> DateTime<Utc> {
        self.start_utc + self.passed()
    }
}
