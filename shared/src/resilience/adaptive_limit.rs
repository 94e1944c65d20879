//! Settles how many requests a listener works on at once: as many as answer about as fast as they used to, and never more than a maximum.
//!
//! Why: what a service can do at once is not what it can be configured to; it changes with the database, the disk, the host.
//! When it trips: the places of a class are taken. How it recovers: each window whose p90 is near the long-term p90 widens the
//! limit again. Formulas: Netflix concurrency-limits `Gradient2Limit`: gradient = clamp(tolerance * long / short, 0.5, 1);
//! limit = limit * gradient + headroom, smoothed by 0.2, with Envoy's headroom √limit (adaptive concurrency filter). Both look at
//! latency only, to which a dependency that always times out looks stable: so a window in which more than one in ten requests
//! was dropped (time-out, no place) takes a tenth of the limit away, whatever its latency (AIMD).
//!
//! What is compared is not time but *times the usual of the route*: at eight in the morning most requests are sign-ins, which
//! take twenty times as long as reading, and a limit that compares plain latencies takes that for a slowdown.

use std::time::{Duration, Instant};

use garde::Validate;
use serde::Deserialize;

use super::priority::{PerPriority, Priority};

/// Bounds of the limit.
#[derive(Debug, Clone, Copy, Deserialize, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// Never fewer at once.
    #[garde(range(min = 1, max = 10_000))]
    pub least: u32,
    /// Never more at once, however fast they are.
    #[garde(range(min = self.least, max = 10_000))]
    pub most: u32,
}

impl Default for Bounds {
    /// 16 are enough for 800 requests a second that take 20 ms each; behind 512 the last would wait for seconds.
    fn default() -> Self {
        Self { least: 16, most: 512 }
    }
}

/// How much of the limit each class may fill: what is above is kept for the more important.
const SHARES: PerPriority<f64> = PerPriority::new(1.0, 0.9, 0.6);
/// A window ends after this time, when it has enough samples.
const WINDOW: Duration = Duration::from_millis(500);
/// Samples without which a p90 says nothing.
const LEAST_SAMPLES: usize = 20;
/// Samples kept of one window; more would not change its p90.
const MOST_SAMPLES: usize = 1_000;
/// A p90 of so many times the long-term one is no queue yet.
const TOLERANCE: f64 = 1.5;
/// How far one window may move the limit.
const SMOOTHING: f64 = 0.2;
/// Weight of one window in what is usual (600 of them, as Gradient2 has it: five minutes), for the p90 and for each route.
const LONG_WEIGHT: f64 = 1.0 / 600.0;
/// Share of drops from which a window counts as failing, and what it takes away.
const DROPS: f64 = 0.1;
const AFTER_DROPS: f64 = 0.9;
/// What a window leaves of a usual that is more than twice what is.
const AFTER_SLOW: f64 = 0.95;
/// Answers faster than this, in seconds, are all as fast.
const LEAST_TIME: f64 = 0.000_1;

/// How a request ended, as the limit sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was answered, whatever the answer, after this time.
    Answered(Duration),
    /// It ran into a time-out, or found no place further down: more than can be done at once is being tried.
    Dropped,
    /// It says nothing: whoever asked went away, or a dependency is gone, of which fewer requests make no more.
    Ignored,
}

/// The limit of one listener. Pure: time comes from outside.
#[derive(Debug)]
pub struct AdaptiveLimit {
    bounds: Bounds,
    limit: f64,
    in_flight: u32,
    most_in_flight: u32,
    window_start: Instant,
    /// Each answer's time as a multiple of what is usual for its route.
    samples: Vec<f64>,
    dropped: usize,
    routes: Vec<Route>,
    usual_p90: Option<f64>,
}

/// What is known of one route, in seconds.
#[derive(Debug, Clone, Default)]
struct Route {
    usual: Option<f64>,
    sum: f64,
    answers: u32,
}

impl AdaptiveLimit {
    /// Begins in the middle of its bounds; routes are told apart by numbers below `routes`.
    pub fn new(bounds: Bounds, routes: usize, now: Instant) -> Self {
        Self {
            bounds,
            limit: f64::from(bounds.least.midpoint(bounds.most)),
            in_flight: 0,
            most_in_flight: 0,
            window_start: now,
            samples: Vec::new(),
            dropped: 0,
            routes: vec![Route::default(); routes],
            usual_p90: None,
        }
    }

    /// Takes a place, which must be given back with [`AdaptiveLimit::finish`].
    pub fn try_begin(&mut self, priority: Priority) -> bool {
        let places = (self.limit * SHARES.of(priority)).max(1.0);
        let has_place = f64::from(self.in_flight) < places.floor();
        if has_place {
            self.in_flight += 1;
            self.most_in_flight = self.most_in_flight.max(self.in_flight);
        }
        has_place
    }

    /// Gives a place back that a request of this route had.
    pub fn finish(&mut self, now: Instant, route: usize, ending: Ending) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match ending {
            Ending::Answered(time) => self.answered(route, time.as_secs_f64().max(LEAST_TIME)),
            Ending::Dropped => self.dropped += 1,
            Ending::Ignored => {}
        }
        let is_over = now.saturating_duration_since(self.window_start) >= WINDOW;
        if is_over && self.samples.len() + self.dropped >= LEAST_SAMPLES {
            self.close_window(now);
        }
    }

    /// Requests that may be worked on at once.
    pub fn limit(&self) -> u32 {
        // The bounds are positive and fit.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two u32")]
        let limit = self.limit as u32;
        limit
    }

    /// Requests that are being worked on.
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }

    fn answered(&mut self, route: usize, seconds: f64) {
        let Some(route) = self.routes.get_mut(route) else { return };
        route.sum += seconds;
        route.answers += 1;
        if self.samples.len() < MOST_SAMPLES {
            // A route's first window is what its next is compared with.
            self.samples.push(route.usual.map_or(1.0, |usual| seconds / usual));
        }
    }

    fn close_window(&mut self, now: Instant) {
        let all = self.samples.len() + self.dropped;
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let is_failing = self.dropped as f64 > DROPS * all as f64;
        if is_failing {
            self.limit *= AFTER_DROPS;
        } else if let Some(p90) = self.p90() {
            self.follow(p90);
        }
        self.limit = self.limit.clamp(f64::from(self.bounds.least), f64::from(self.bounds.most));
        self.routes.iter_mut().for_each(Route::close_window);
        self.samples.clear();
        self.dropped = 0;
        self.most_in_flight = self.in_flight;
        self.window_start = now;
    }

    fn follow(&mut self, p90: f64) {
        let usual = closer(self.usual_p90, p90);
        self.usual_p90 = Some(usual);
        let gradient = (TOLERANCE * usual / p90).clamp(0.5, 1.0);
        // A limit that nobody reaches is not proved by good latency.
        if gradient >= 1.0 && f64::from(self.most_in_flight) < self.limit / 2.0 {
            return;
        }
        let wanted = self.limit * gradient + self.limit.sqrt();
        self.limit += (wanted - self.limit) * SMOOTHING;
    }

    fn p90(&mut self) -> Option<f64> {
        let rank = self.samples.len().saturating_sub(1) * 9 / 10;
        if self.samples.is_empty() {
            return None;
        }
        let (_, p90, _) = self.samples.select_nth_unstable_by(rank, f64::total_cmp);
        Some(*p90)
    }
}

impl Route {
    fn close_window(&mut self) {
        if self.answers > 0 {
            self.usual = Some(closer(self.usual, self.sum / f64::from(self.answers)));
        }
        (self.sum, self.answers) = (0.0, 0);
    }
}

/// What is usual, moved towards what is: slowly, except that after a slow time it comes down fast, or the next queue would look normal.
fn closer(usual: Option<f64>, now: f64) -> f64 {
    let Some(usual) = usual else { return now };
    if usual > 2.0 * now { usual * AFTER_SLOW } else { usual + (now - usual) * LONG_WEIGHT }
}

#[cfg(test)]
#[path = "adaptive_limit_tests.rs"]
mod tests;
