//! Settles by many schedules of a few threads that no interleaving breaks what a breaker promises.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32};

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use super::*;
use crate::resilience::sync::in_any_interleaving;
use crate::testing::ManualClock;

/// Two calls open it, two probes close it.
fn breaker(clock: &ManualClock) -> Breaker {
    let settings =
        Settings { minimum_calls: 2, probes: PROBES, probe_lease_ms: 1_000, ..Settings::default() };
    Breaker::new(Policy::try_new(settings).unwrap(), Arc::new(clock.clone()))
}

const PROBES: u32 = 2;

/// Lets it open, and its time pass.
fn open(breaker: &Breaker, clock: &ManualClock) {
    for _ in 0..2 {
        breaker.acquire().unwrap().failure();
    }
    clock.advance(breaker.retry_after());
}

fn on_threads(count: usize, work: impl Fn() + Clone + Send + 'static) {
    let threads: Vec<_> = (0..count).map(|_| thread::spawn(work.clone())).collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

fn any_outcome() -> Outcome {
    let outcomes = [Outcome::Success, Outcome::Failure, Outcome::Neutral];
    outcomes[thread_rng().gen_range(0..outcomes.len())]
}

#[test]
fn half_open_admits_at_most_k_probes_in_any_interleaving() {
    in_any_interleaving(|| {
        let clock = ManualClock::default();
        let breaker = Arc::new(breaker(&clock));
        open(&breaker, &clock);
        let out = Arc::new(AtomicI64::new(0));
        on_threads(3, move || {
            let permits = [breaker.acquire(), breaker.acquire()].into_iter().flatten();
            let probes: Vec<Permit<'_>> = permits.filter(|permit| permit.probe.is_some()).collect();
            for _ in &probes {
                let others = out.fetch_add(1, Ordering::SeqCst);
                assert!(others < i64::from(PROBES), "{others} probes are out already");
            }
            thread::yield_now();
            for probe in probes {
                // Counted as back before it is: a place that is free again may be lent at once.
                out.fetch_sub(1, Ordering::SeqCst);
                probe.report(any_outcome());
            }
        });
    });
}

#[test]
fn half_open_never_sticks_in_any_interleaving() {
    in_any_interleaving(|| {
        let clock = ManualClock::default();
        let breaker = Arc::new(breaker(&clock));
        open(&breaker, &clock);
        let (used, time) = (breaker.clone(), clock.clone());
        on_threads(3, move || {
            for _ in 0..2 {
                match used.acquire() {
                    Ok(permit) if thread_rng().gen_bool(0.3) => std::mem::forget(permit),
                    Ok(permit) => permit.report(any_outcome()),
                    Err(refused) => time.advance(refused.retry_after),
                }
            }
        });
        // Whatever has become of them: from now on it answers, and leases and times end.
        for _ in 0..10 {
            clock.advance(Duration::from_secs(12));
            if let Ok(permit) = breaker.acquire() {
                permit.success();
            }
        }
        assert_eq!(breaker.state(), State::Closed);
    });
}

#[test]
fn each_opening_happens_once_in_any_interleaving() {
    in_any_interleaving(|| {
        let clock = ManualClock::default();
        let openings = Arc::new(AtomicU32::new(0));
        let told = openings.clone();
        let breaker = breaker(&clock).with_listener(Box::new(move |change| {
            assert_ne!(change.from, change.to);
            told.fetch_add(u32::from(change.to == State::Open), Ordering::SeqCst);
        }));
        let breaker = Arc::new(breaker);
        let failing = breaker.clone();
        on_threads(3, move || {
            for permit in (0..2).filter_map(|_| failing.acquire().ok()) {
                assert_eq!(permit.probe, None, "its time has only begun");
                permit.failure();
            }
        });
        assert_eq!((breaker.state(), openings.load(Ordering::SeqCst)), (State::Open, 1));
        assert_eq!(breaker.core().openings, 1);
    });
}
