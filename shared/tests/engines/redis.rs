//! Settles that no Redis command waits without a limit, and that an outage ends by itself.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use shared::clock::system_clock;
use shared::context::Context;
use shared::redis::{Cluster, Config, Error};
use shared::telemetry::Metrics;
use shared::testing::{
    FaultProxy, Running, TestDatabase, TestKeys, breakers, eventually, redis_behind_proxies,
};
use tokio::runtime::Handle;

use crate::processes::slots_lost;
use crate::service::Smallest;
use shared::service::Service;

fn context() -> Context {
    Context::background(system_clock(), Duration::from_secs(10))
}

async fn config() -> (Config, TestDatabase, TestKeys) {
    let (database, keys) = (TestDatabase::create("shared", Smallest::migrations).await, TestKeys::generate());
    (Running::<Smallest>::config(&database, &keys, &json!({})).redis, database, keys)
}

async fn set(cluster: &Cluster, key: &str) -> Result<(), Error> {
    let key = cluster.key(key);
    let mut command = redis::cmd("SET");
    command.arg(&key).arg(1).arg("EX").arg(60);
    cluster.run(&context(), &key, &command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_hangs_costs_each_command_its_limit_and_no_more() {
    let (mut config, _database, _keys) = config().await;
    let (reach_as, proxies) = redis_behind_proxies().await;
    config.nodes = reach_as.values().cloned().collect();
    config.reach_as = reach_as;
    let cluster = Cluster::connect(&config, &breakers(), &Handle::current()).await.unwrap();
    set(&cluster, "a").await.unwrap();
    proxies.iter().for_each(FaultProxy::stall);
    let start = Instant::now();
    let error = set(&cluster, "a").await.unwrap_err();
    assert!(error.retryable(), "{error:?}");
    assert!(start.elapsed() < Duration::from_millis(config.overall_ms + 500), "{:?}", start.elapsed());
    proxies.iter().for_each(FaultProxy::restore);
    eventually("commands work again", async || set(&cluster, "a").await.is_ok()).await;
    proxies.iter().for_each(FaultProxy::break_connections);
    assert!(set(&cluster, "b").await.unwrap_err().retryable());
    proxies.iter().for_each(FaultProxy::restore);
    eventually("commands work again", async || set(&cluster, "b").await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_beyond_the_bound_are_refused_while_those_in_flight_hang() {
    let (mut config, _database, _keys) = config().await;
    let (reach_as, proxies) = redis_behind_proxies().await;
    config.nodes = reach_as.values().cloned().collect();
    config.reach_as = reach_as;
    config.in_flight = 2;
    let cluster = Cluster::connect(&config, &breakers(), &Handle::current()).await.unwrap();
    set(&cluster, "a").await.unwrap();
    proxies.iter().for_each(FaultProxy::stall);
    let (first, second, third) =
        tokio::join!(set(&cluster, "{x}a"), set(&cluster, "{x}b"), set(&cluster, "{x}c"));
    let errors = [first, second, third].map(Result::unwrap_err);
    assert!(errors.iter().any(|error| matches!(error, Error::Busy(_))), "{errors:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_hangs_costs_the_others_nothing() {
    let (mut config, _database, _keys) = config().await;
    let (reach_as, proxies) = redis_behind_proxies().await;
    config.nodes = reach_as.values().cloned().collect();
    config.reach_as = reach_as;
    config.in_flight = 2;
    let cluster = Cluster::connect(&config, &breakers(), &Handle::current()).await.unwrap();
    let metrics = Metrics::detached().unwrap();
    cluster.observe(metrics.meter());
    let names: Vec<String> = (0..60).map(|number| number.to_string()).collect();
    let mut hit = 0;
    for proxy in &proxies {
        eventually("all shards answer", async || cluster.ping(&context()).await.iter().all(|(_, ok)| *ok))
            .await;
        proxy.stall();
        let outcomes = join_all(names.iter().map(|name| set(&cluster, name))).await;
        // A third of the slots each: the failed keys, if any, are all of one shard, and no key of another is among them.
        let failed = names.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_err());
        let shards: BTreeSet<u16> = failed.map(|(name, _)| cluster.key(name).slot() / 5_462).collect();
        assert!(shards.len() <= 1, "{shards:?}");
        hit += shards.len();
        if !shards.is_empty() {
            let is_told = async || (5_000..=5_462).contains(&slots_lost(&metrics));
            eventually("its slots are told to be lost for this instance, and no others", is_told).await;
        }
        proxy.restore();
    }
    assert_eq!(hit, 3, "each primary once, and no replica");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_reader_wakes_on_news_and_waits_for_none_longer_than_its_limit() {
    let (config, _database, _keys) = config().await;
    let cluster = Cluster::connect(&config, &breakers(), &Handle::current()).await.unwrap();
    let mut reader = cluster.stream_reader();
    let start = Instant::now();
    let stream = cluster.key("feed:{x}");
    assert_eq!(reader.wait_for_news(&context(), &stream, "$").await.unwrap(), None);
    assert!(start.elapsed() < Duration::from_millis(1_600), "{:?}", start.elapsed());
    let mut add = redis::cmd("XADD");
    add.arg(&stream).arg("*").arg("published").arg(1);
    let id: String = cluster.run(&context(), &stream, &add).await.unwrap();
    assert_eq!(reader.wait_for_news(&context(), &stream, "0").await.unwrap(), Some(id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_stays_silent_is_not_asked_any_more_until_it_answers() {
    let (mut config, _database, _keys) = config().await;
    let (reach_as, proxies) = redis_behind_proxies().await;
    config.nodes = reach_as.values().cloned().collect();
    config.reach_as = reach_as;
    let breakers = breakers();
    let cluster = Cluster::connect(&config, &breakers, &Handle::current()).await.unwrap();
    set(&cluster, "a").await.unwrap();
    proxies.iter().for_each(FaultProxy::stall);
    eventually("its breaker opens", async || {
        let outcomes = join_all((0..20).map(|_| set(&cluster, "a"))).await;
        outcomes.iter().any(|outcome| matches!(outcome, Err(Error::Open(..))))
    })
    .await;
    let report = breakers.report();
    assert!(report.as_object().unwrap().keys().all(|domain| domain.starts_with("redis:")), "{report}");
    proxies.iter().for_each(FaultProxy::restore);
    eventually("it is asked again", async || set(&cluster, "a").await.is_ok()).await;
}
