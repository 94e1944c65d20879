//! Settles what it costs to count a request of one caller among many, and what it adds that their number is bounded.
//!
//! The peer is governor with its own keyed state, which grows with every caller that ever asks; ours holds the same buckets
//! in a table with a bound. All count for the same callers, all pass, all say how many requests are left.

use std::hint::black_box;
use std::num::NonZeroU32;

use governor::clock::MonotonicClock;
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::{DashMapStateStore, HashMapStateStore, KeyedStateStore};
use governor::{Quota, RateLimiter as Governor};
use shared::clock::system_clock;
use shared::ids;
use shared::resilience::rate_limit::{Rate, RateLimiter};
use uuid::Uuid;

use crate::harness::{Contender, Plan};
use crate::report::{Comparison, Measure};

/// The bound costs a second hash of the key, to choose the table, and a look at who must be forgotten.
const AIM: f64 = 1.5;
/// Nobody is refused.
const RATE: Rate = Rate { per_second: 1_000_000, burst: 10_000_000 };
/// Accounts that ask, in no order: a school of them at the same minute, several times over.
const CALLERS: usize = 10_000;
/// Accounts that one instance remembers by default.
const REMEMBERED: u64 = 50_000;
/// Circumstances, with threads and the calls of each in a round.
const CASES: [(&str, usize, u64); 2] = [("one thread", 1, 20_000), ("two threads", 2, 100_000)];

/// One count of one of [`CALLERS`]: alone, and with two threads that count at the same time.
pub fn run() -> Vec<Comparison> {
    let callers: Vec<Uuid> = (0..CALLERS).map(|_| Uuid::from_bytes(ids::random_bytes())).collect();
    let ours = RateLimiter::new(RATE, REMEMBERED, system_clock());
    let sharded = governor(DashMapStateStore::<Uuid>::default());
    let locked = governor(HashMapStateStore::<Uuid>::default());
    let contenders = [
        Contender::new("ours", |calls| {
            for caller in asking(&callers, calls) {
                let _ = black_box(ours.check(black_box(&caller)));
            }
        }),
        Contender::new("governor 0.10, sharded map", |calls| {
            for caller in asking(&callers, calls) {
                let _ = black_box(sharded.check_key(&black_box(caller)));
            }
        }),
        Contender::new("governor 0.10, map behind a lock", |calls| {
            for caller in asking(&callers, calls) {
                let _ = black_box(locked.check_key(&black_box(caller)));
            }
        }),
    ];
    let compare = |(case, threads, calls)| {
        let figures = Plan::computing(calls).on_threads(threads).measure(&contenders);
        Comparison::new(("limiter", case), Measure::Cost, figures, AIM)
    };
    CASES.map(compare).into()
}

type Bare<S> = Governor<Uuid, S, MonotonicClock, StateInformationMiddleware>;

fn governor<S: KeyedStateStore<Uuid>>(store: S) -> Bare<S> {
    let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::per_second(number(RATE.per_second)).allow_burst(number(RATE.burst));
    Governor::new(quota, store, MonotonicClock)
}

fn asking(callers: &[Uuid], calls: u64) -> impl Iterator<Item = Uuid> {
    callers.iter().copied().cycle().take(usize::try_from(calls).unwrap_or(usize::MAX))
}
