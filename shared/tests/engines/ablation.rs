//! Settles that a part of the kit which is switched off is gone where it is used: what its proof shows does not hold without it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use shared::ablation::{Ablation, Part};
use shared::cache::{Cache, Loaded, Policy};
use shared::clock::system_clock;
use shared::context::Context;
use shared::pg::{Database, PoolSizes, Work};
use shared::redis::{Cluster, Error};
use shared::resilience::breaker::Registry;
use shared::service::Service;
use shared::testing::{FaultProxy, Running, TestDatabase, TestKeys, eventually, redis_behind_proxies};
use tokio::runtime::Handle;

use crate::service::Smallest;

fn without(part: Part) -> Registry {
    Registry::new(system_clock(), Ablation::default().without(part))
}

fn context() -> Context {
    Context::background(system_clock(), Duration::from_secs(10))
}

async fn redis() -> (shared::redis::Config, TestDatabase, TestKeys) {
    let (database, keys) = (TestDatabase::create("shared", Smallest::migrations).await, TestKeys::generate());
    (Running::<Smallest>::config(&database, &keys, &json!({})).redis, database, keys)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_cache_everybody_loads_for_themselves() {
    let (config, _database, _keys) = redis().await;
    let cluster = Cluster::connect(&config, &without(Part::Cache), &Handle::current()).await.unwrap();
    let minute = Duration::from_mins(1);
    let policy =
        Policy { fresh: minute, stale_while_revalidate: minute, stale_if_error: minute, negative: minute };
    let cache = Cache::new("numbers", policy, cluster, system_clock(), Handle::current()).ablated(true);
    let loads = Arc::new(AtomicUsize::new(0));
    let load = |_| {
        let loads = loads.clone();
        async move { Ok(Loaded { value: Some(loads.fetch_add(1, Ordering::SeqCst)), version: 0 }) }
    };
    let context = context();
    for answer in join_all((0..50).map(|_| cache.get(&context, "tag", "key", load))).await {
        assert!(answer.unwrap().value().is_some());
    }
    assert_eq!(loads.load(Ordering::SeqCst), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_bulkheads_one_class_of_work_takes_the_connections_of_all() {
    let test = TestDatabase::create("shared", Smallest::migrations).await;
    let mut config = test.config();
    config.pools = PoolSizes { read: 1, write: 1, login: 1, deferrable: 1, background: 1 };
    let database = Database::open(&config, &without(Part::Bulkheads), &Handle::current()).unwrap();
    let context = context();
    let held = join_all((0..config.pools.all()).map(|_| database.begin(&context, Work::Write))).await;
    assert!(held.iter().all(Result::is_ok), "all of them, where one is meant for writes");
    let short = Context::background(system_clock(), Duration::from_millis(100));
    assert!(database.read(&short).await.is_err(), "and none is left for reads");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_bulkheads_no_command_is_refused_while_others_hang() {
    let (mut config, _database, _keys) = redis().await;
    let (reach_as, proxies) = redis_behind_proxies().await;
    config.nodes = reach_as.values().cloned().collect();
    config.reach_as = reach_as;
    config.in_flight = 2;
    let cluster = Cluster::connect(&config, &without(Part::Bulkheads), &Handle::current()).await.unwrap();
    let ask = async || {
        let key = cluster.key("{x}a");
        let mut command = redis::cmd("GET");
        command.arg(&key);
        cluster.run::<Option<i64>>(&context(), &key, &command).await
    };
    eventually("the shard answers", async || ask().await.is_ok()).await;
    proxies.iter().for_each(FaultProxy::stall);
    let outcomes = join_all((0..8).map(|_| ask())).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(Error::Timeout(_)))), "{outcomes:?}");
}
