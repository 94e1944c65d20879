//! Settles that the limit finds what a dependency can do at once, keeps its reserve, and lets nothing pile up.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::clock::Clock;
use crate::testing::ManualClock;

const BOUNDS: Bounds = Bounds { least: 10, most: 400 };
/// Connections of the dependency, and how long it holds one: 800 requests a second.
const SERVERS: usize = 8;
const SERVICE_MS: u64 = 10;
/// Whoever waits longer has gone.
const PATIENCE_MS: u64 = 500;

/// A dependency with a queue, a millisecond at a time.
struct Simulation {
    limit: Option<AdaptiveLimit>,
    start: Instant,
    now_ms: u64,
    waiting: VecDeque<u64>,
    working: VecDeque<(u64, u64)>,
    patience_ms: u64,
}

impl Simulation {
    fn new(is_limited: bool) -> Self {
        let start = ManualClock::default().now();
        let limit = is_limited.then(|| AdaptiveLimit::new(BOUNDS, 1, start));
        Self {
            limit,
            start,
            now_ms: 0,
            waiting: VecDeque::new(),
            working: VecDeque::new(),
            patience_ms: PATIENCE_MS,
        }
    }

    /// How many came, and how many of those that ended were answered in time.
    fn run(&mut self, seconds: u64, per_second: u64) -> (u64, u64) {
        let (mut came, mut good, mut due) = (0, 0, 0);
        for _ in 0..seconds * 1_000 {
            due += per_second;
            while due >= 1_000 {
                due -= 1_000;
                came += 1;
                if self.limit.as_mut().is_none_or(|limit| limit.try_begin(Priority::Normal)) {
                    self.waiting.push_back(self.now_ms);
                }
            }
            good += self.step();
        }
        (came, good)
    }

    fn step(&mut self) -> u64 {
        let mut good = 0;
        self.now_ms += 1;
        while self.working.front().is_some_and(|&(_, ends)| ends <= self.now_ms) {
            let (began, _) = self.working.pop_front().unwrap();
            let took = self.now_ms - began;
            good += u64::from(took <= self.patience_ms);
            let ending = if took <= self.patience_ms {
                Ending::Answered(Duration::from_millis(took))
            } else {
                Ending::Dropped
            };
            let now = self.start + Duration::from_millis(self.now_ms);
            self.limit.iter_mut().for_each(|limit| limit.finish(now, 0, ending));
        }
        while self.working.len() < SERVERS && !self.waiting.is_empty() {
            self.working.push_back((self.waiting.pop_front().unwrap(), self.now_ms + SERVICE_MS));
        }
        good
    }
}

fn goodput_after_a_surge(is_limited: bool) -> f64 {
    let mut simulation = Simulation::new(is_limited);
    simulation.run(30, 400);
    simulation.run(60, 8_000);
    simulation.run(10, 640);
    let (came, good) = simulation.run(10, 640);
    Duration::from_secs(good).as_secs_f64() / Duration::from_secs(came).as_secs_f64()
}

#[test]
fn after_60_s_at_10_times_capacity_then_at_0_8_goodput_is_95_percent_within_10_s() {
    let goodput = goodput_after_a_surge(true);
    assert!(goodput >= 0.95, "{goodput}");
}

#[test]
fn without_the_limit_the_same_surge_leaves_nobody_served_in_time() {
    let goodput = goodput_after_a_surge(false);
    assert!(goodput < 0.05, "{goodput}: the simulation proves nothing");
}

#[test]
fn at_10_times_capacity_most_of_the_capacity_is_still_useful_work() {
    let mut simulation = Simulation::new(true);
    simulation.run(30, 400);
    simulation.run(30, 8_000);
    let (_, good) = simulation.run(30, 8_000);
    assert!(good >= 30 * 800 * 9 / 10, "{good} of {}", 30 * 800);
    assert!(simulation.waiting.len() < 400, "{} wait", simulation.waiting.len());
}

#[test]
fn constant_time_outs_lower_the_limit_although_their_latency_is_stable() {
    let mut now = ManualClock::default().now();
    let mut limit = AdaptiveLimit::new(BOUNDS, 1, now);
    for _ in 0..2_000 {
        assert!(limit.try_begin(Priority::Critical));
        now += Duration::from_millis(20);
        limit.finish(now, 0, Ending::Dropped);
    }
    assert_eq!(limit.limit(), BOUNDS.least);
}

#[test]
fn a_queue_lowers_the_limit_although_nobody_is_dropped() {
    let mut simulation = Simulation { patience_ms: u64::MAX, ..Simulation::new(true) };
    simulation.run(60, 400);
    simulation.run(60, 8_000);
    // 8 at once are served without a wait; what waits behind them costs 10 ms for each 8.
    let limit = simulation.limit.unwrap().limit();
    assert!(limit <= 64, "{limit} at once");
}

#[test]
fn more_requests_of_a_slow_route_are_no_slowdown() {
    let mut now = ManualClock::default().now();
    let mut limit = AdaptiveLimit::new(BOUNDS, 2, now);
    let mut serve = |limit: &mut AdaptiveLimit, slow_in_10: u32| {
        for number in 0..4_000_u32 {
            let route = usize::from(number % 10 < slow_in_10);
            let time = Duration::from_millis([1, 100][route]);
            (0..16).for_each(|_| assert!(limit.try_begin(Priority::Normal)));
            now += time;
            (0..16).for_each(|_| limit.finish(now, route, Ending::Answered(time)));
        }
        limit.limit()
    };
    let reading = serve(&mut limit, 1);
    let signing_in = serve(&mut limit, 9);
    assert!(signing_in >= reading, "{signing_in} after {reading}");
}

#[test]
fn the_important_find_a_place_where_others_do_not() {
    let mut limit = AdaptiveLimit::new(Bounds { least: 10, most: 10 }, 1, ManualClock::default().now());
    let mut fill =
        |priority| std::iter::repeat_with(|| limit.try_begin(priority)).take_while(|ok| *ok).count();
    assert_eq!([fill(Priority::Deferrable), fill(Priority::Normal), fill(Priority::Critical)], [6, 3, 1]);
}

proptest! {
    #[test]
    fn places_are_conserved_and_the_limit_stays_within_its_bounds(
        acts in prop::collection::vec((0_usize..3, 0_u64..2_000, any::<bool>(), any::<bool>()), 1..400),
    ) {
        let mut now = ManualClock::default().now();
        let mut limit = AdaptiveLimit::new(BOUNDS, 1, now);
        let mut held = 0_u32;
        for (priority, ms, is_beginning, is_answered) in acts {
            now += Duration::from_millis(ms);
            if is_beginning {
                held += u32::from(limit.try_begin(Priority::ALL[priority]));
            } else if held > 0 {
                held -= 1;
                let answered = Ending::Answered(Duration::from_millis(ms));
                limit.finish(now, 0, if is_answered { answered } else { Ending::Dropped });
            }
            prop_assert_eq!(limit.in_flight(), held);
            prop_assert!((BOUNDS.least..=BOUNDS.most).contains(&limit.limit()));
            prop_assert!(held <= BOUNDS.most);
        }
    }
}
