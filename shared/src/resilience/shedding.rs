//! Settles which requests a worker refuses because it is behind with its work: the least important first, before their bodies are read.
//!
//! Why: a worker that accepts more than it can do answers everybody too late, and most of those have gone by then.
//! When it trips: the mean lag of its event loop is over a limit for a window of one second or 2,000 requests.
//! How it recovers: each window without that lag lets more in; load that falls below what was let in before is let in at once.
//! Formula: DAGOR (Zhou et al., "Overload Control for Scaling `WeChat` Microservices", 2018): queuing time over 20 ms means
//! overload; then 5 % less than was admitted, else 1 % more, cut by priority. Two things differ: 5 % are taken for each 20 ms,
//! since a worker a second behind cannot wait for 14 windows; and what is kept from window to window is the admitted
//! *rate*, not the share, so that after a surge nobody is refused because of how many came before.

use std::time::{Duration, Instant};

use super::priority::{PerPriority, Priority};

/// Mean lag from which a worker counts as overloaded, where nothing else is configured.
pub const LAG_LIMIT: Duration = Duration::from_millis(20);
/// A window ends after this time …
const WINDOW: Duration = Duration::from_secs(1);
/// … or after so many requests, so that a heavier overload is answered sooner.
const WINDOW_REQUESTS: u32 = 2_000;
/// What an overloaded window takes away, for each time that the limit fits into its mean lag.
const LESS: f64 = 0.05;
/// It never takes away more than this: lag looks back, and part of it is over when it is measured.
const MOST_LESS: f64 = 0.5;
/// What any other window adds.
const MORE: f64 = 1.01;
/// What a window adds whose lag is a quarter of the limit or less: nothing is near its limit, so there is room.
const MUCH_MORE: f64 = 1.10;
/// Less than this rate is never admitted, in requests per second: some must pass to learn that the overload is over.
const LEAST_RATE: f64 = 20.0;

/// The decision of one worker. Pure: lag and time come from outside.
#[derive(Debug)]
pub struct Shedder {
    lag_limit: Duration,
    window_start: Instant,
    arrived: PerPriority<u32>,
    admitted: u32,
    lag_sum: Duration,
    lag_samples: u32,
    /// Requests per second; `None` while everything is admitted.
    admitted_rate: Option<f64>,
    /// Share of each class that is admitted in this window.
    shares: PerPriority<f64>,
    /// What the shares have left over, per class: requests are picked evenly and not by lot.
    credit: PerPriority<f64>,
}

impl Shedder {
    /// Admits everything until it learns better.
    pub fn new(lag_limit: Duration, now: Instant) -> Self {
        Self {
            lag_limit,
            window_start: now,
            arrived: PerPriority::default(),
            admitted: 0,
            lag_sum: Duration::ZERO,
            lag_samples: 0,
            admitted_rate: None,
            shares: PerPriority::new(1.0, 1.0, 1.0),
            credit: PerPriority::default(),
        }
    }

    /// The event loop ran this much later than it was asked to.
    pub fn lagged(&mut self, now: Instant, lag: Duration) {
        self.lag_sum += lag;
        self.lag_samples += 1;
        self.close_window(now);
    }

    /// Whether one more request of this class is admitted.
    pub fn admits(&mut self, now: Instant, priority: Priority) -> bool {
        self.close_window(now);
        *self.arrived.of_mut(priority) += 1;
        let credit = self.credit.of_mut(priority);
        *credit += self.shares.of(priority);
        let is_admitted = *credit >= 1.0 - f64::EPSILON;
        if is_admitted {
            *credit -= 1.0;
            self.admitted += 1;
        }
        is_admitted
    }

    /// Whether anybody is refused now.
    pub fn is_shedding(&self) -> bool {
        self.admitted_rate.is_some()
    }

    /// Share of a class that is admitted now.
    pub fn share(&self, priority: Priority) -> f64 {
        *self.shares.of(priority)
    }

    fn close_window(&mut self, now: Instant) {
        let length = now.saturating_duration_since(self.window_start);
        let arrived: u32 = Priority::ALL.iter().map(|&priority| *self.arrived.of(priority)).sum();
        if self.lag_samples == 0 || (length < WINDOW && arrived < WINDOW_REQUESTS) {
            return;
        }
        let seconds = length.as_secs_f64().max(0.001);
        self.admitted_rate = self.next_rate(f64::from(self.admitted) / seconds);
        self.shares =
            self.admitted_rate.map_or(PerPriority::new(1.0, 1.0, 1.0), |rate| self.cut(rate * seconds));
        if Priority::ALL.iter().all(|&priority| self.share(priority) >= 1.0)
            && self.mean_lag() <= self.lag_limit
        {
            self.admitted_rate = None;
        }
        self.window_start = now;
        self.arrived = PerPriority::default();
        self.admitted = 0;
        self.lag_sum = Duration::ZERO;
        self.lag_samples = 0;
    }

    fn mean_lag(&self) -> Duration {
        self.lag_sum / self.lag_samples.max(1)
    }

    fn next_rate(&self, admitted: f64) -> Option<f64> {
        let lag = self.mean_lag();
        if lag > self.lag_limit {
            let times = lag.as_secs_f64() / self.lag_limit.as_secs_f64();
            return Some((admitted * (1.0 - (LESS * times).min(MOST_LESS))).max(LEAST_RATE));
        }
        let growth = if lag <= self.lag_limit / 4 { MUCH_MORE } else { MORE };
        self.admitted_rate.map(|rate| rate.max(admitted) * growth)
    }

    /// Gives `places` to the classes in order of importance.
    fn cut(&self, places: f64) -> PerPriority<f64> {
        let mut left = places;
        let mut shares = PerPriority::default();
        for priority in Priority::ALL {
            let wanted = f64::from(*self.arrived.of(priority));
            let share =
                if wanted > 0.0 { (left / wanted).clamp(0.0, 1.0) } else { f64::from(u8::from(left > 0.0)) };
            *shares.of_mut(priority) = share;
            // Whoever comes after a class that did not get everything gets nothing.
            left = if share < 1.0 { 0.0 } else { left - wanted };
        }
        shares
    }
}

#[cfg(test)]
#[path = "shedding_tests.rs"]
mod tests;
