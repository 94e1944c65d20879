//! Settles by random histories that a breaker opens for cause only, admits no more than its probes, and never sticks.

use std::sync::Arc;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::*;
use crate::testing::ManualClock;

/// Few calls suffice, so that short histories reach every state.
fn settings() -> Settings {
    Settings { minimum_calls: 4, probe_lease_ms: 2_000, ..Settings::default() }
}

/// What callers and time do.
#[derive(Debug, Clone)]
enum Step {
    /// A call that is still under way.
    Call,
    /// The result of one of those.
    Finish(usize, Outcome),
    /// A permit that is never given back.
    Lose(usize),
    /// Calls, each with its result at once.
    Burst(usize, Outcome),
    Pass(u64),
}

/// Any history may happen: what is checked is kept by [`History`].
struct AnyHistory;

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::Failure),
        4 => Just(Outcome::Success),
        1 => Just(Outcome::Slow),
        1 => Just(Outcome::TimedOut),
        1 => Just(Outcome::Neutral),
    ]
}

impl ReferenceStateMachine for AnyHistory {
    type State = ();
    type Transition = Step;

    fn init_state() -> BoxedStrategy<()> {
        Just(()).boxed()
    }

    fn transitions((): &()) -> BoxedStrategy<Step> {
        prop_oneof![
            4 => Just(Step::Call),
            4 => (any::<usize>(), outcome()).prop_map(|(index, outcome)| Step::Finish(index, outcome)),
            1 => any::<usize>().prop_map(Step::Lose),
            3 => (1..8_usize, outcome()).prop_map(|(count, outcome)| Step::Burst(count, outcome)),
            3 => prop_oneof![Just(50_u64), Just(700), Just(1_300), Just(5_000), Just(13_000)].prop_map(Step::Pass),
        ]
        .boxed()
    }

    fn apply((): (), _: &Step) {}
}

/// A breaker, and what an observer who only sees its answers knows.
struct History {
    clock: ManualClock,
    breaker: &'static Breaker,
    under_way: Vec<Permit<'static>>,
    /// When each probe was admitted whose lease may still run, and whether it has come back: (generation, ms).
    probes: Vec<(Stamp, Ticket, u64)>,
    /// (ms, whether it was bad) of each result since it last closed.
    results: Vec<(u64, bool)>,
}

impl History {
    fn now_ms(&self) -> u64 {
        crate::clock::Clock::coarse_ms(&self.clock)
    }

    /// Calls, and checks what was admitted.
    fn call(&mut self) -> Option<Permit<'static>> {
        let (before, left) = (self.breaker.state(), self.breaker.retry_after());
        let permit = match self.breaker.acquire() {
            Ok(permit) => permit,
            Err(refused) => {
                assert_ne!(self.breaker.state(), State::Closed, "a closed breaker refuses nobody");
                assert!(refused.retry_after > Duration::ZERO);
                return None;
            }
        };
        assert!(before != State::Open || left.is_zero(), "open, with {left:?} to go");
        if let Some(ticket) = permit.probe {
            self.probes.push((permit.stamp, ticket, self.now_ms()));
        }
        Some(permit)
    }

    fn finish(&mut self, permit: Permit<'static>, outcome: Outcome) {
        let (state, stamp, now_ms) = (self.breaker.state(), permit.stamp, self.now_ms());
        let is_slow = now_ms - permit.started_ms >= 1_000;
        let is_result = match outcome {
            Outcome::Success | Outcome::Failure | Outcome::Slow => true,
            Outcome::TimedOut => is_slow,
            Outcome::Neutral => false,
        };
        let counts = state == State::Closed && stamp == self.breaker.stamp() && is_result;
        self.probes.retain(|(of, ticket, _)| (*of, Some(*ticket)) != (stamp, permit.probe));
        permit.report(outcome);
        if counts {
            self.results.push((now_ms, is_slow || outcome != Outcome::Success));
        }
        match (state, self.breaker.state()) {
            (State::Closed, State::Open) => self.check_cause(now_ms),
            (State::HalfOpen, State::Closed) => self.results.clear(),
            _ => {}
        }
    }

    /// There is a stretch of the past, about a window long, in which half of at least four calls were bad.
    fn check_cause(&self, now_ms: u64) {
        let edges = self.results.iter().map(|(ms, _)| now_ms - ms + 1);
        let lengths = edges.filter(|length| (8_750..=11_250).contains(length)).chain([8_750, 11_250]);
        let is_cause = lengths.into_iter().any(|length| {
            let recent = self.results.iter().filter(|(ms, _)| now_ms - ms < length);
            let (calls, bad) =
                recent.fold((0, 0), |(calls, bad), (_, is_bad)| (calls + 1, bad + u32::from(*is_bad)));
            calls >= 4 && bad * 2 >= calls
        });
        assert!(is_cause, "opened without cause: {:?}", self.results);
    }
}

struct BreakerTest;

impl StateMachineTest for BreakerTest {
    type SystemUnderTest = History;
    type Reference = AnyHistory;

    fn init_test((): &()) -> History {
        let clock = ManualClock::default();
        let policy = Policy::try_new(settings()).unwrap();
        let breaker: &'static Breaker = Box::leak(Box::new(Breaker::new(policy, Arc::new(clock.clone()))));
        History { clock, breaker, under_way: Vec::new(), probes: Vec::new(), results: Vec::new() }
    }

    fn apply(mut history: History, (): &(), step: Step) -> History {
        match step {
            Step::Call => {
                let permit = history.call();
                history.under_way.extend(permit);
            }
            Step::Finish(index, outcome) if !history.under_way.is_empty() => {
                let permit = history.under_way.swap_remove(index % history.under_way.len());
                history.finish(permit, outcome);
            }
            Step::Lose(index) if !history.under_way.is_empty() => {
                std::mem::forget(history.under_way.swap_remove(index % history.under_way.len()));
            }
            Step::Finish(..) | Step::Lose(_) => {}
            Step::Burst(count, outcome) => {
                for _ in 0..count {
                    if let Some(permit) = history.call() {
                        history.finish(permit, outcome);
                    }
                }
            }
            Step::Pass(ms) => history.clock.advance(Duration::from_millis(ms)),
        }
        history
    }

    fn check_invariants(history: &History, (): &()) {
        let (stamp, now_ms) = (history.breaker.stamp(), history.now_ms());
        let running =
            history.probes.iter().filter(|(of, _, since)| *of == stamp && now_ms < since + 2_000).count();
        assert!(running <= 3, "{running} probes at once");
    }

    /// Whatever happened: once its time and all leases have passed, good calls close it.
    fn teardown(mut history: History, (): ()) {
        history.clock.advance(Duration::from_secs(13));
        for _ in 0..3 {
            history.call().expect("neither stays open nor sticks half-open").success();
        }
        assert_eq!(history.breaker.state(), State::Closed);
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn half_open_admits_at_most_k_probes_and_never_sticks(sequential 1..80 => BreakerTest);
}
