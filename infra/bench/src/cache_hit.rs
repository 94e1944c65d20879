//! Settles what a fresh answer of the cache costs beside moka alone, which holds the same values and knows nothing of versions and ages.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::FutureExt;
use shared::cache::{Cache, LoadFailed, Loaded, Policy};
use shared::clock::system_clock;
use shared::context::Context;
use shared::redis::Cluster;
use shared::testing::breakers;
use uuid::Uuid;

use crate::engines::Engines;
use crate::harness::{Contender, Plan};
use crate::report::{Comparison, Measure};

/// Of issue 3.
const AIM: f64 = 1.3;
/// As the boards of courses are kept, but for longer than the benchmark takes.
const POLICY: Policy = Policy {
    fresh: Duration::from_hours(1),
    stale_while_revalidate: Duration::from_mins(1),
    stale_if_error: Duration::from_hours(2),
    negative: Duration::from_secs(10),
};
/// What one instance holds at most.
const HELD: u64 = 20_000;
/// Groups whose boards are asked for, in no order.
const BOARDS: u128 = 2_000;
/// Circumstances, with threads and the calls of each in a round.
const CASES: [(&str, usize, u64); 2] = [("one thread", 1, 20_000), ("two threads", 2, 100_000)];

/// What is held: a list, as a board holds courses.
type Board = Vec<u64>;

/// A hit in this instance: alone, and with two threads that ask at the same time.
pub fn run() -> Result<Vec<Comparison>> {
    let engines = Engines::open()?;
    let breakers = breakers();
    let cluster = Cluster::connect(&engines.config.redis, &breakers, engines.engine.handle());
    let cluster = engines.engine.run(cluster)?;
    let ours = Cache::new("bench", POLICY, cluster, system_clock(), engines.engine.handle().clone());
    let keys: Vec<String> = (0..BOARDS).map(key).collect();
    let same_bounds =
        moka::sync::Cache::builder().max_capacity(HELD).time_to_live(POLICY.stale_if_error).build();
    let only_capacity = moka::sync::Cache::builder().max_capacity(HELD).build();
    // All are filled together: entries that lie beside each other in memory are found sooner.
    for key in &keys {
        engines.engine.run(ours.get(&context(), key, key, load))?;
        ensure!(hit(&ours, &context(), key), "{key} is not held");
        same_bounds.insert(key.clone(), Arc::new(Board::new()));
        only_capacity.insert(key.clone(), Arc::new(Board::new()));
    }
    let contenders = [
        Contender::new("ours", |calls| {
            // Each request has a context of its own, so two threads never count in the same one.
            let context = context();
            for key in asked(&keys, calls) {
                black_box(hit(&ours, &context, black_box(key)));
            }
        }),
        bare("moka 0.12, same capacity and time to live", &same_bounds, &keys),
        bare("moka 0.12, same capacity", &only_capacity, &keys),
    ];
    let compare = |(case, threads, calls)| {
        let figures = Plan::computing(calls).on_threads(threads).measure(&contenders);
        Comparison::new(("cache-hit", case), Measure::Cost, figures, AIM)
    };
    Ok(CASES.map(compare).into())
}

fn bare<'a>(
    name: &'static str,
    cache: &'a moka::sync::Cache<String, Arc<Board>>,
    keys: &'a [String],
) -> Contender<'a> {
    Contender::new(name, move |calls| {
        for key in asked(keys, calls) {
            black_box(cache.get(black_box(key)));
        }
    })
}

/// As handlers ask; a hit is there at the first look.
fn hit(cache: &Cache<Board>, context: &Context, key: &str) -> bool {
    let answer = cache.get(context, key, key, load).now_or_never();
    matches!(black_box(answer), Some(Ok(_)))
}

fn context() -> Context {
    Context::background(system_clock(), Duration::from_secs(5))
}

async fn load(_: Context) -> Result<Loaded<Board>, LoadFailed> {
    Ok(Loaded { value: Some(Board::new()), version: 1 })
}

/// As the boards of courses are named.
fn key(number: u128) -> String {
    format!("board:{}:{}", Uuid::from_u128(1).simple(), Uuid::from_u128(number).simple())
}

fn asked(keys: &[String], calls: u64) -> impl Iterator<Item = &String> {
    keys.iter().cycle().take(usize::try_from(calls).unwrap_or(usize::MAX))
}
