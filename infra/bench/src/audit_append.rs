//! Settles what the audit log costs an act, and whether its sequencer keeps up with the acts.
//!
//! The act is one statement in one transaction; with the log, the transaction has one statement more. Both wait for the same
//! commit, so the figure is taken once with the wait for the disk, as people feel it, and once without, as the server does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use serde_json::json;
use shared::audit::{Actor, Entry, Log, append};
use shared::clock::system_clock;
use shared::context::Context;
use shared::pg::{Database, Work};
use shared::testing::breakers;
use uuid::Uuid;

use crate::engines::Engines;
use crate::harness::{Contender, Plan, Time, median};
use crate::report::{Comparison, Figure, Measure};

/// As below, less what both wait for the disk: much on a disk that takes milliseconds, little on one that takes 30 us.
const AIM_ON_DISK: f64 = 2.0;
/// Three messages to the server instead of two, of which the one more carries the most and touches three indexes.
const AIM_IN_MEMORY: f64 = 2.5;
/// The sequencer gives positions faster than four instances can append.
const AIM_SEQUENCER: f64 = 1.0;
/// Transactions of a round: with the wait for the disk, and without.
const CALLS_ON_DISK: u64 = 30;
const CALLS_IN_MEMORY: u64 = 200;
/// Connections that append at once: four instances with the default of four each.
const CONNECTIONS: usize = 16;
/// Leaves that each of them appends in a round.
const LEAVES: u64 = 250;
/// Rounds of appending and sequencing.
const ROUNDS: usize = 9;

/// Appending, and giving positions to what was appended.
pub fn run() -> Result<Vec<Comparison>> {
    let engines = Engines::open()?;
    engines.engine.run(require_durability(&engines))?;
    let on_disk = appending(&engines, "committed to the disk", CALLS_ON_DISK, AIM_ON_DISK)?;
    let sequencer = sequencer(&engines)?;
    engines.engine.run(no_wait_for_the_disk(&engines))?;
    let in_memory = appending(&engines, "not waiting for the disk", CALLS_IN_MEMORY, AIM_IN_MEMORY)?;
    Ok(vec![on_disk, in_memory, sequencer])
}

/// A figure from a server that throws away what a crash finds in memory would say nothing.
async fn require_durability(engines: &Engines) -> Result<()> {
    let setting: String = engines.database.connect().await.query_one("show fsync", &[]).await?.get(0);
    ensure!(setting == "on", "PostgreSQL runs with fsync = {setting}: measure with `cargo ent bench`");
    Ok(())
}

async fn no_wait_for_the_disk(engines: &Engines) -> Result<()> {
    let name = &engines.config.postgres.database;
    let sql = format!("alter database {name} set synchronous_commit = off");
    engines.database.connect().await.batch_execute(&sql).await?;
    Ok(())
}

fn appending(engines: &Engines, case: &'static str, calls: u64, aim: f64) -> Result<Comparison> {
    let database = open(engines, 1)?;
    let failed = AtomicU64::new(0);
    let acts = |calls: u64, is_logged: bool| {
        for _ in 0..calls {
            if engines.engine.run(act(&database, is_logged)).is_err() {
                failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let contenders = [
        Contender::new("an act with its leaf", |calls| acts(calls, true)),
        Contender::new("the same act alone", |calls| acts(calls, false)),
    ];
    let figures = Plan::waiting(calls).measure(&contenders);
    let failed = failed.load(Ordering::Relaxed);
    ensure!(failed == 0, "{failed} transactions failed");
    Ok(Comparison::new(("audit-append", case), Measure::Cost, figures, aim))
}

/// Raises a version, as giving homework does.
async fn act(database: &Database, is_logged: bool) -> Result<()> {
    let mut transaction = database.begin(&context(), Work::Write).await?;
    let tag = format!("board:{}", Uuid::from_u128(1).simple());
    let raise = "insert into cache_version (tag, version) values ($1, 1)
                 on conflict (tag) do update set version = cache_version.version + 1";
    transaction.execute(raise, &[&tag]).await?;
    if is_logged {
        append(&mut transaction, &entry()).await?;
    }
    Ok(transaction.commit().await?)
}

fn sequencer(engines: &Engines) -> Result<Comparison> {
    let database = open(engines, CONNECTIONS)?;
    let log = Log::new("courses", database.clone(), system_clock(), None);
    let (mut given, mut appended) = (Vec::new(), Vec::new());
    engines.engine.run(async {
        sequence(&log).await?;
        for _ in 0..ROUNDS {
            appended.push(a_second(append_many(&database)).await?);
            given.push(a_second(sequence(&log)).await?);
        }
        Ok::<_, anyhow::Error>(())
    })?;
    let figures = vec![
        Figure { name: "positions given by the sequencer", value: median(given) },
        Figure { name: "leaves appended on 16 connections", value: median(appended) },
    ];
    Ok(Comparison::new(("audit-append", "sequencer"), Measure::Rate, figures, AIM_SEQUENCER))
}

/// How many a second, of what counts itself.
#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
async fn a_second(work: impl Future<Output = Result<u64>>) -> Result<f64> {
    let begin = Time::Wall.now();
    let count = work.await?;
    Ok(count as f64 / (Time::Wall.now().saturating_sub(begin)).as_secs_f64())
}

async fn append_many(database: &Database) -> Result<u64> {
    let connections = (0..CONNECTIONS).map(async |_| {
        for _ in 0..LEAVES {
            let mut transaction = database.begin(&context(), Work::Write).await?;
            append(&mut transaction, &entry()).await?;
            transaction.commit().await?;
        }
        Ok::<_, anyhow::Error>(LEAVES)
    });
    Ok(try_join_all(connections).await?.into_iter().sum())
}

async fn sequence(log: &Log) -> Result<u64> {
    let mut count = 0;
    loop {
        match log.sequence().await? {
            0 => return Ok(count),
            given => count += given,
        }
    }
}

fn entry() -> Entry {
    Entry {
        actor: Actor::Person(Uuid::from_u128(7)),
        act: "homework_given",
        subject: format!("course:{}", Uuid::from_u128(9)),
        authority: None,
        details: json!({ "due_in_days": 7 }),
    }
}

fn open(engines: &Engines, connections: usize) -> Result<Database> {
    let mut config = engines.config.postgres.clone();
    config.pools.write = connections;
    Ok(Database::open(&config, &breakers(), engines.engine.handle())?)
}

fn context() -> Context {
    Context::background(system_clock(), Duration::from_secs(5))
}
