//! Settles what time it is: the one source of instants and dates, so that tests can hold it still and move it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rustix::time::{ClockId, clock_gettime};

/// A source of time. `now` is monotonic and only good for differences; `utc` is the calendar.
pub trait Clock: Send + Sync + fmt::Debug {
    /// A monotonic instant.
    fn now(&self) -> Instant;
    /// Milliseconds from a start of the clock's own; never backwards. For what asks the time at every call: it may lag
    /// by one tick of the kernel (4 ms at 250 Hz) and costs a quarter of [`Clock::now`].
    fn coarse_ms(&self) -> u64;
    /// The time of day, UTC.
    fn utc(&self) -> DateTime<Utc>;

    /// Whole seconds since 1970-01-01T00:00:00Z, as tokens carry them.
    fn unix_seconds(&self) -> u64 {
        u64::try_from(self.utc().timestamp()).unwrap_or(0)
    }

    /// The calendar day, UTC.
    fn today(&self) -> NaiveDate {
        self.utc().date_naive()
    }
}

/// A clock as services pass it around.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the home of the clock")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// `CLOCK_MONOTONIC_COARSE`: what the kernel wrote at its last tick, read without a look at the counter.
    fn coarse_ms(&self) -> u64 {
        let time = clock_gettime(ClockId::MonotonicCoarse);
        time.tv_sec.cast_unsigned() * 1_000 + time.tv_nsec.cast_unsigned() / 1_000_000
    }

    #[expect(clippy::disallowed_methods, reason = "the home of the clock")]
    fn utc(&self) -> DateTime<Utc> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        DateTime::UNIX_EPOCH + since_epoch
    }
}

/// The machine's clock behind the shared type.
pub fn system_clock() -> SharedClock {
    Arc::new(SystemClock)
}

/// The machine's clock with another calendar, so that a proof can let a night come.
#[derive(Debug, Clone, Copy)]
struct ClockAhead(TimeDelta);

impl Clock for ClockAhead {
    fn now(&self) -> Instant {
        SystemClock.now()
    }

    fn coarse_ms(&self) -> u64 {
        SystemClock.coarse_ms()
    }

    fn utc(&self) -> DateTime<Utc> {
        SystemClock.utc() + self.0
    }
}

/// The machine's clock, whose calendar is so many seconds ahead.
pub fn clock_ahead(seconds: u32) -> SharedClock {
    if seconds == 0 { system_clock() } else { Arc::new(ClockAhead(TimeDelta::seconds(seconds.into()))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_calendar_of_a_clock_ahead_is_ahead() {
        let (clock, before) = (clock_ahead(86_400), SystemClock.now());
        let ahead = clock.utc() - SystemClock.utc();
        assert!((86_000..=86_400).contains(&ahead.num_seconds()), "{ahead}");
        assert!(clock.now().duration_since(before) < Duration::from_mins(6));
    }
}
