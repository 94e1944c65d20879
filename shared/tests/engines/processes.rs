//! Settles what becomes of callers when the process of an engine stands still or is killed.

use std::time::{Duration, Instant};

use refinery::{Migration, Runner};
use shared::clock::system_clock;
use shared::context::Context;
use shared::fault::{Identity, Paused};
use shared::pg::{self, Database, Work};
use shared::redis::{Cluster, Error, Key};
use shared::telemetry::Metrics;
use shared::testing::{PrivatePostgres, PrivateRedis, breakers, eventually};
use tokio::runtime::Handle;

fn context() -> Context {
    Context::background(system_clock(), Duration::from_secs(10))
}

async fn set(cluster: &Cluster, key: &Key) -> Result<(), Error> {
    cluster.run(&context(), key, redis::cmd("SET").arg(key).arg(1)).await
}

fn kill(process: Identity) -> Option<Paused> {
    process.kill();
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_hangs_or_dies_is_left_for_its_replica_and_costs_the_others_nothing() {
    let engines = PrivateRedis::start().await;
    let cluster = Cluster::connect(&engines.config(), &breakers(), &Handle::current()).await.unwrap();
    let metrics = Metrics::detached().unwrap();
    cluster.observe(metrics.meter());
    let (lost, other) = (cluster.key("lost"), cluster.key("other"));
    assert_ne!(engines.primary_of(&lost).await, engines.primary_of(&other).await);
    let faults: [fn(Identity) -> Option<Paused>; 2] = [|process| Some(process.pause()), kill];
    for fault in faults {
        set(&cluster, &lost).await.unwrap();
        eventually("nothing is told to be lost", async || slots_lost(&metrics) == 0).await;
        let primary = engines.primary_of(&lost).await;
        let guard = fault(primary);
        assert!(set(&cluster, &lost).await.unwrap_err().retryable());
        eventually("its slots are told to be lost", async || (1..16_384).contains(&slots_lost(&metrics)))
            .await;
        eventually("its replica answers", async || {
            set(&cluster, &other).await.unwrap();
            set(&cluster, &lost).await.is_ok()
        })
        .await;
        assert_ne!(engines.primary_of(&lost).await, primary);
        if guard.is_some() {
            drop(guard);
            engines.wait_until_whole().await;
        }
    }
    drop(engines);
    eventually("all are told to be lost", async || slots_lost(&metrics) == 16_384).await;
}

/// The figure as it is scraped.
pub fn slots_lost(metrics: &Metrics) -> u64 {
    let text = metrics.render().unwrap();
    let line = text.lines().find(|line| line.starts_with("ent_redis_slots_lost{")).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn migrations() -> Runner {
    let sql = "create table entry (id integer primary key)";
    Runner::new(&[Migration::unapplied("V1__entry", sql).unwrap()])
}

async fn insert(database: &Database, id: i32) -> Result<(), pg::Error> {
    let mut transaction = database.begin(&context(), Work::Write).await?;
    transaction.execute("insert into entry values ($1)", &[&id]).await?;
    transaction.commit().await
}

async fn ids(database: &Database) -> Result<Vec<i32>, pg::Error> {
    let rows = database.read(&context()).await?.query("select id from entry order by id", &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_hangs_is_given_up_and_one_that_was_killed_has_all_it_acknowledged() {
    let mut server = PrivatePostgres::start().await;
    let test = server.database("processes", migrations).await;
    let mut config = test.config();
    config.statement_ms = 300;
    let database = Database::open(&config, &breakers(), &Handle::current()).unwrap();
    insert(&database, 1).await.unwrap();
    let paused = server.process().pause();
    let start = Instant::now();
    assert!(ids(&database).await.unwrap_err().retryable());
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    drop(paused);
    eventually("it goes on where it stood", async || ids(&database).await.is_ok()).await;
    insert(&database, 2).await.unwrap();
    server.process().kill();
    assert!(ids(&database).await.unwrap_err().retryable());
    server.start_again().await;
    eventually("it serves again", async || ids(&database).await.is_ok()).await;
    assert_eq!(ids(&database).await.unwrap(), [1, 2]);
}
