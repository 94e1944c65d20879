//! Settles by example when a breaker opens, what it refuses, how it is probed, and which results it no longer believes.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use super::*;
use crate::testing::ManualClock;

fn breaker(clock: &ManualClock) -> Breaker {
    Breaker::new(Policy::default(), Arc::new(clock.clone()))
}

fn calls(breaker: &Breaker, count: u32, outcome: Outcome) {
    for _ in 0..count {
        breaker.acquire().unwrap().report(outcome);
    }
}

/// Opens it, and lets its time pass.
fn wait_until_it_can_be_probed(breaker: &Breaker, clock: &ManualClock) {
    calls(breaker, 20, Outcome::Failure);
    clock.advance(breaker.retry_after());
}

#[test]
fn half_of_at_least_twenty_failed_calls_open_it_and_it_says_for_how_long() {
    let clock = ManualClock::default();
    let breaker = breaker(&clock);
    calls(&breaker, 10, Outcome::Success);
    calls(&breaker, 9, Outcome::Failure);
    assert_eq!(breaker.state(), State::Closed);
    calls(&breaker, 1, Outcome::Failure);
    let refused = breaker.acquire().err().unwrap();
    assert!((800..=1_200).contains(&refused.retry_after.as_millis()), "{refused}");
    assert_eq!(breaker.refused(), 1);
}

#[test]
fn calls_that_take_too_long_count_however_well_they_end() {
    let clock = ManualClock::default();
    let breaker = breaker(&clock);
    let waiting: Vec<Permit<'_>> = (0..20).map(|_| breaker.acquire().unwrap()).collect();
    clock.advance(Duration::from_secs(1));
    waiting.into_iter().for_each(Permit::success);
    assert_eq!((breaker.state(), breaker.counts().slow), (State::Open, 20));
}

#[test]
fn failures_are_forgotten_with_the_window() {
    let clock = ManualClock::default();
    let breaker = breaker(&clock);
    calls(&breaker, 19, Outcome::Failure);
    clock.advance(Duration::from_secs(12));
    calls(&breaker, 10, Outcome::Failure);
    assert_eq!((breaker.state(), breaker.counts().failed), (State::Closed, 10));
}

#[test]
fn callers_that_give_up_are_no_evidence() {
    let clock = ManualClock::default();
    let breaker = breaker(&clock);
    calls(&breaker, 1_000, Outcome::Neutral);
    assert_eq!((breaker.state(), breaker.counts()), (State::Closed, Counts::default()));
}

#[test]
fn a_time_out_counts_only_where_the_caller_had_time() {
    let clock = ManualClock::default();
    let breaker = breaker(&clock);
    let [hurried, patient] = [breaker.acquire().unwrap(), breaker.acquire().unwrap()];
    clock.advance(Duration::from_millis(999));
    hurried.report(Outcome::TimedOut);
    clock.advance(Duration::from_millis(1));
    patient.report(Outcome::TimedOut);
    assert_eq!(breaker.counts(), Counts { fine: 0, failed: 0, slow: 1 });
}

#[test]
fn three_good_probes_close_it_and_the_past_is_forgotten() {
    let clock = ManualClock::default();
    let breaker = breaker(&clock);
    wait_until_it_can_be_probed(&breaker, &clock);
    let probes: Vec<Permit<'_>> = (0..3).map(|_| breaker.acquire().unwrap()).collect();
    assert_eq!(breaker.state(), State::HalfOpen);
    assert!(breaker.acquire().is_err(), "a fourth probe");
    probes.into_iter().for_each(Permit::success);
    assert_eq!((breaker.state(), breaker.counts()), (State::Closed, Counts::default()));
}

#[test]
fn failing_probes_double_the_time_open_up_to_ten_seconds() {
    let clock = ManualClock::default();
    let breaker = breaker(&clock);
    calls(&breaker, 20, Outcome::Failure);
    for expected in [1_000, 2_000, 4_000, 8_000, 10_000, 10_000] {
        let open_ms = breaker.retry_after().as_millis();
        assert!((expected * 8 / 10..=expected * 12 / 10).contains(&open_ms), "{open_ms} for {expected}");
        clock.advance(breaker.retry_after());
        calls(&breaker, 2, Outcome::Failure);
    }
}

#[test]
fn a_relapse_goes_on_where_it_was_and_a_quiet_window_forgives() {
    let clock = ManualClock::default();
    let breaker = breaker(&clock);
    wait_until_it_can_be_probed(&breaker, &clock);
    calls(&breaker, 3, Outcome::Success);
    wait_until_it_can_be_probed(&breaker, &clock);
    assert_eq!(breaker.core().openings, 2);
    calls(&breaker, 3, Outcome::Success);
    clock.advance(Duration::from_secs(10));
    calls(&breaker, 20, Outcome::Failure);
    assert_eq!(breaker.core().openings, 1);
}

#[test]
fn dropped_probes_come_back_at_once_and_lost_ones_with_the_end_of_their_lease() {
    let clock = ManualClock::default();
    let breaker = breaker(&clock);
    wait_until_it_can_be_probed(&breaker, &clock);
    calls(&breaker, 100, Outcome::Neutral);
    (0..3).for_each(|_| std::mem::forget(breaker.acquire().unwrap()));
    assert!(breaker.acquire().is_err());
    clock.advance(Duration::from_secs(10));
    calls(&breaker, 3, Outcome::Success);
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn results_of_an_older_generation_are_not_believed() {
    let clock = ManualClock::default();
    let breaker = breaker(&clock);
    let mut late: Vec<Permit<'_>> = (0..50).map(|_| breaker.acquire().unwrap()).collect();
    wait_until_it_can_be_probed(&breaker, &clock);
    let probe = breaker.acquire().unwrap();
    late.drain(..10).for_each(Permit::success);
    assert_eq!(breaker.state(), State::HalfOpen, "calls from before are no probes");
    calls(&breaker, 2, Outcome::Success);
    probe.success();
    late.into_iter().for_each(Permit::failure);
    assert_eq!((breaker.state(), breaker.counts()), (State::Closed, Counts::default()));
}

#[test]
fn each_change_is_told_once() {
    let clock = ManualClock::default();
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = told.clone();
    let listener: Listener = Box::new(move |change| heard.lock().unwrap().push((change.from, change.to)));
    let breaker = breaker(&clock).with_listener(listener);
    wait_until_it_can_be_probed(&breaker, &clock);
    calls(&breaker, 3, Outcome::Success);
    let expected =
        [(State::Closed, State::Open), (State::Open, State::HalfOpen), (State::HalfOpen, State::Closed)];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn many_threads_open_it_once_and_admit_three_probes() {
    let clock = ManualClock::default();
    let opened = Arc::new(AtomicU32::new(0));
    let count = opened.clone();
    let breaker = breaker(&clock).with_listener(Box::new(move |change| {
        count.fetch_add(u32::from(change.to == State::Open), Ordering::Relaxed);
    }));
    let admitted = AtomicU32::new(0);
    let on_threads = |work: &(dyn Fn() + Sync)| {
        std::thread::scope(|threads| (0..4).for_each(|_| drop(threads.spawn(work))));
    };
    on_threads(&|| (0..500).filter_map(|_| breaker.acquire().ok()).for_each(Permit::failure));
    assert_eq!(opened.load(Ordering::Relaxed), 1);
    clock.advance(breaker.retry_after());
    on_threads(&|| {
        for permit in (0..100).filter_map(|_| breaker.acquire().ok()) {
            admitted.fetch_add(1, Ordering::Relaxed);
            std::mem::forget(permit);
        }
    });
    assert_eq!(admitted.load(Ordering::Relaxed), 3);
}
