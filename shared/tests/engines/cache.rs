//! Settles what the cache promises: one load per key, stale answers within their bounds, and no answer from before a change that was told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use shared::cache::{Cache, Cached, Freshness, LoadFailed, Loaded, Policy};
use shared::context::Context;
use shared::pg;
use shared::redis::{Cluster, Config};
use shared::service::Service;
use shared::testing::{
    FaultProxy, ManualClock, Running, TestDatabase, TestKeys, breakers, eventually, redis_behind_proxies,
};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::service::Smallest;

#[path = "../../examples/cache.rs"]
#[expect(dead_code, reason = "an example is a program, of which the test calls all but `main`")]
mod example;

const POLICY: Policy = Policy {
    fresh: Duration::from_mins(1),
    stale_while_revalidate: Duration::from_mins(1),
    stale_if_error: Duration::from_mins(10),
    negative: Duration::from_secs(10),
};

/// The one truth that is cached: a value and its version, and whether it can be read.
#[derive(Clone, Default)]
struct Source(Arc<Truth>);

#[derive(Default)]
struct Truth {
    value: AtomicI64,
    loads: AtomicUsize,
    is_away: AtomicBool,
    /// Keeps loads in the air.
    is_held: watch::Sender<bool>,
}

impl Source {
    async fn load(self) -> Result<Loaded<i64>, LoadFailed> {
        self.0.loads.fetch_add(1, Ordering::SeqCst);
        let value = self.0.value.load(Ordering::SeqCst);
        self.0.is_held.subscribe().wait_for(|is_held| !is_held).await.unwrap();
        if self.0.is_away.load(Ordering::SeqCst) {
            return Err(pg::Error::Timeout.into());
        }
        Ok(Loaded { value: (value >= 0).then_some(value), version: value })
    }

    fn set(&self, value: i64) {
        self.0.value.store(value, Ordering::SeqCst);
    }

    fn hold(&self, is_held: bool) {
        self.0.is_held.send_replace(is_held);
    }

    fn loads(&self) -> usize {
        self.0.loads.load(Ordering::SeqCst)
    }
}

struct Bench {
    clock: ManualClock,
    config: Config,
    source: Source,
    _keys: TestKeys,
    _database: TestDatabase,
}

impl Bench {
    async fn new() -> Self {
        let (database, keys) =
            (TestDatabase::create("shared", Smallest::migrations).await, TestKeys::generate());
        let config = Running::<Smallest>::config(&database, &keys, &json!({})).redis;
        Self {
            clock: ManualClock::default(),
            config,
            source: Source::default(),
            _keys: keys,
            _database: database,
        }
    }

    async fn instance(&self) -> Cache<i64> {
        let clock = Arc::new(self.clock.clone());
        let cluster = Cluster::connect(&self.config, &breakers(), &Handle::current()).await.unwrap();
        Cache::new("numbers", POLICY, cluster, clock, Handle::current())
    }

    async fn get(&self, cache: &Cache<i64>) -> Result<Cached<i64>, LoadFailed> {
        let context = Context::background(Arc::new(self.clock.clone()), Duration::from_secs(5));
        let source = self.source.clone();
        cache.get(&context, "tag", "key", move |_| source.clone().load()).await
    }

    async fn value(&self, cache: &Cache<i64>) -> Option<i64> {
        self.get(cache).await.unwrap().value().copied()
    }

    async fn invalidate(&self, cache: &Cache<i64>, version: i64) {
        let context = Context::background(Arc::new(self.clock.clone()), Duration::from_secs(5));
        cache.invalidate(&context, "tag", version).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_loader_per_key_however_many_ask() {
    let bench = Bench::new().await;
    let cache = bench.instance().await;
    let answers = join_all((0..200).map(|_| bench.value(&cache))).await;
    assert!(answers.iter().all(|answer| *answer == Some(0)));
    assert_eq!(bench.source.loads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_does_not_end_the_flight_for_the_others() {
    let bench = Bench::new().await;
    let cache = bench.instance().await;
    bench.source.hold(true);
    let leaver = async {
        let left = tokio::time::timeout(Duration::from_millis(5), bench.get(&cache)).await;
        bench.source.hold(false);
        left
    };
    let (left, stayed) = tokio::join!(leaver, bench.value(&cache));
    assert!(left.is_err());
    assert_eq!(stayed, Some(0));
    assert_eq!(bench.source.loads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_entry_is_answered_at_once_while_the_next_is_fetched() {
    let bench = Bench::new().await;
    let cache = bench.instance().await;
    assert_eq!(bench.value(&cache).await, Some(0));
    bench.source.set(1);
    bench.clock.advance(Duration::from_secs(75));
    assert_eq!(bench.value(&cache).await, Some(0), "at once");
    eventually("the next is fetched", async || bench.value(&cache).await == Some(1)).await;
    assert_eq!(bench.source.loads(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_loading_fails_the_age_is_stated_and_bounded() {
    let bench = Bench::new().await;
    let cache = bench.instance().await;
    let current = bench.get(&cache).await.unwrap().freshness;
    bench.source.0.is_away.store(true, Ordering::SeqCst);
    bench.clock.advance(Duration::from_mins(9));
    let stale = bench.get(&cache).await.unwrap();
    assert_eq!((stale.value(), stale.freshness), (Some(&0), Freshness::Stale(Duration::from_mins(9))));
    bench.clock.advance(Duration::from_mins(2));
    assert!(bench.get(&cache).await.unwrap_err().retryable());
    bench.source.0.is_away.store(false, Ordering::SeqCst);
    assert_eq!(bench.get(&cache).await.unwrap().freshness, current, "it recovers");
}

#[tokio::test(flavor = "multi_thread")]
async fn absence_is_an_answer_that_is_believed_for_a_while() {
    let bench = Bench::new().await;
    let cache = bench.instance().await;
    bench.source.set(-1);
    assert_eq!(bench.value(&cache).await, None);
    assert_eq!(bench.value(&cache).await, None);
    assert_eq!(bench.source.loads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_instance_finds_what_one_has_loaded() {
    let bench = Bench::new().await;
    let (one, other) = (bench.instance().await, bench.instance().await);
    assert_eq!(bench.value(&one).await, Some(0));
    assert_eq!(bench.value(&other).await, Some(0));
    assert_eq!(bench.source.loads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_seen_at_once_here_and_soon_everywhere() {
    let bench = Bench::new().await;
    let (one, other) = (bench.instance().await, bench.instance().await);
    let stop = CancellationToken::new();
    tokio::spawn(other.clone().hear(stop.clone()));
    for cache in [&other, &one, &other, &one] {
        // The second time it is a hit, which is remembered until the next change.
        assert_eq!(bench.value(cache).await, Some(0));
    }
    bench.source.set(1);
    bench.invalidate(&one, 1).await;
    assert_eq!(bench.value(&one).await, Some(1), "who changes something sees it");
    eventually("the other instance hears of it", async || bench.value(&other).await == Some(1)).await;
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_never_go_back() {
    let bench = Bench::new().await;
    let cache = bench.instance().await;
    bench.source.set(1);
    bench.source.hold(true);
    // This flight has read version 1 and is still in the air when the change to 2 is committed and told.
    let early = bench.get(&cache);
    let change = async {
        eventually("the flight has read", async || bench.source.loads() == 1).await;
        bench.source.set(2);
        bench.invalidate(&cache, 2).await;
        let after = bench.value(&cache);
        bench.source.hold(false);
        after.await
    };
    let (early, after) = tokio::join!(early, change);
    assert_eq!(after, Some(2), "whoever asks after the change gets no answer from before it");
    assert!(early.unwrap().value().is_some());
    assert_eq!(bench.value(&cache).await, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_each_instance_loads_for_itself() {
    let mut bench = Bench::new().await;
    let (reach_as, proxies) = redis_behind_proxies().await;
    bench.config.nodes = reach_as.values().cloned().collect();
    bench.config.reach_as = reach_as;
    let cache = bench.instance().await;
    proxies.iter().for_each(FaultProxy::break_connections);
    assert_eq!(bench.value(&cache).await, Some(0));
    bench.source.set(1);
    bench.invalidate(&cache, 1).await;
    assert_eq!(bench.value(&cache).await, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_shows_stale_answers_within_their_bound() {
    let bench = Bench::new().await;
    let password_file = bench.config.password_file.as_ref().unwrap();
    example::show(&bench.config.nodes[0], password_file).await.unwrap();
}
