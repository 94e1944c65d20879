//! Settles that a worker at ten times its capacity keeps serving the important, and serves everybody again within seconds of the end.

use proptest::prelude::*;

use super::*;
use crate::clock::Clock;
use crate::testing::ManualClock;

/// One CPU: a request costs a millisecond, a refusal 10 µs, and whoever waits longer than a second has gone.
struct Worker {
    shedder: Option<Shedder>,
    start: Instant,
    busy_until: Duration,
    next_probe: Duration,
}

const SERVICE: Duration = Duration::from_millis(1);
const REFUSAL: Duration = Duration::from_micros(10);
const PATIENCE: Duration = Duration::from_secs(1);
const PROBE: Duration = Duration::from_millis(10);
/// Connections that wait for the worker; whoever comes then is not taken.
const CONNECTIONS: u32 = 4_096;

impl Worker {
    fn new(is_shedding: bool) -> Self {
        let start = ManualClock::default().now();
        let shedder = is_shedding.then(|| Shedder::new(LAG_LIMIT, start));
        Self { shedder, start, busy_until: Duration::ZERO, next_probe: Duration::ZERO }
    }

    /// Requests at `per_second` from `from` for `seconds`; how many of `priority` came, and how many were served in time.
    fn run(&mut self, from: u64, seconds: u64, per_second: u32, counted: Priority) -> (u32, u32) {
        let gap = Duration::from_secs(1) / per_second;
        let (mut at, end) = (Duration::from_secs(from), Duration::from_secs(from + seconds));
        let (mut came, mut served, mut number) = (0, 0, 0_usize);
        while at < end {
            // One in ten is critical, one in ten deferrable.
            let priority = [Priority::Critical, Priority::Deferrable].get(number % 10).copied();
            let priority = priority.unwrap_or(Priority::Normal);
            let is_served = self.take(at, priority);
            came += u32::from(priority == counted);
            served += u32::from(is_served && priority == counted);
            at += gap;
            number += 1;
        }
        (came, served)
    }

    fn take(&mut self, at: Duration, priority: Priority) -> bool {
        let begins = self.busy_until.max(at);
        if begins.saturating_sub(at) > SERVICE * CONNECTIONS {
            return false;
        }
        // The probe is a task like any other: it runs when everything that was ready before it has run.
        while self.next_probe <= at {
            let ran = self.busy_until.max(self.next_probe);
            let lag = ran.saturating_sub(self.next_probe);
            self.shedder.iter_mut().for_each(|shedder| shedder.lagged(self.start + ran, lag));
            self.next_probe = ran + PROBE;
        }
        let now = self.start + begins;
        let is_admitted = self.shedder.as_mut().is_none_or(|shedder| shedder.admits(now, priority));
        self.busy_until = begins + if is_admitted { SERVICE } else { REFUSAL };
        is_admitted && begins.saturating_sub(at) < PATIENCE
    }
}

fn goodput_after_a_surge(is_shedding: bool) -> f64 {
    let mut worker = Worker::new(is_shedding);
    worker.run(0, 60, 10_000, Priority::Normal);
    worker.run(60, 10, 800, Priority::Normal);
    let (came, served) = worker.run(70, 10, 800, Priority::Normal);
    f64::from(served) / f64::from(came)
}

#[test]
fn after_60_s_at_10_times_capacity_then_at_0_8_goodput_is_95_percent_within_10_s() {
    let goodput = goodput_after_a_surge(true);
    assert!(goodput >= 0.95, "{goodput}");
}

#[test]
fn without_shedding_the_same_surge_leaves_every_other_unserved() {
    let goodput = goodput_after_a_surge(false);
    assert!(goodput < 0.6, "{goodput}: the simulation proves nothing");
}

#[test]
fn at_twice_the_capacity_the_critical_are_all_served_and_the_deferrable_are_not() {
    let mut worker = Worker::new(true);
    worker.run(0, 60, 2_000, Priority::Critical);
    let (critical, served) = worker.run(60, 20, 2_000, Priority::Critical);
    assert!(f64::from(served) >= 0.99 * f64::from(critical), "{served} of {critical} critical");
    let (deferrable, served) = worker.run(80, 20, 2_000, Priority::Deferrable);
    assert!(f64::from(served) <= 0.05 * f64::from(deferrable), "{served} of {deferrable} deferrable");
}

#[test]
fn a_worker_that_keeps_up_refuses_nobody() {
    let mut worker = Worker::new(true);
    let (came, served) = worker.run(0, 30, 900, Priority::Deferrable);
    assert_eq!(came, served);
}

proptest! {
    #[test]
    fn a_less_important_class_never_has_a_greater_share(
        lags in prop::collection::vec((0_u64..200, 0_usize..3, 1_u32..200), 1..100),
    ) {
        let mut now = ManualClock::default().now();
        let mut shedder = Shedder::new(LAG_LIMIT, now);
        for (lag_ms, priority, requests) in lags {
            (0..requests).for_each(|_| { shedder.admits(now, Priority::ALL[priority]); });
            now += Duration::from_millis(300);
            shedder.lagged(now, Duration::from_millis(lag_ms));
            let shares: Vec<f64> = Priority::ALL.iter().map(|&priority| shedder.share(priority)).collect();
            prop_assert!(shares.is_sorted_by(|a, b| a >= b), "{shares:?}");
            prop_assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{shares:?}");
        }
    }
}
