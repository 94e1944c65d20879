//! Settles what a slow disk costs: slow commits pause writes and nothing else, slow reads cost those who need the disk.

use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::join;
use refinery::{Migration, Runner};
use shared::ablation::{Ablation, Part};
use shared::clock::system_clock;
use shared::context::Context;
use shared::fault::DiskDelays;
use shared::pg::{Database, Error, Work};
use shared::resilience::breaker::Registry;
use shared::testing::{PrivatePostgres, TestDatabase, breakers, eventually};
use tokio::runtime::Handle;

/// Nobody waits this long for an answer that is in memory, or for a refusal, even on a busy machine.
const AT_ONCE: Duration = Duration::from_millis(100);
/// Rows of a page each.
const PAGES: i32 = 200;

fn migrations() -> Runner {
    let sql = "create table entry (id bigint generated always as identity, text text);
        create table page (id integer, filler char(5000) not null);
        alter table page alter column filler set storage plain";
    Runner::new(&[Migration::unapplied("V1__entry", sql).unwrap()])
}

fn context() -> Context {
    Context::background(system_clock(), Duration::from_secs(10))
}

async fn write(database: &Database) -> Result<(), Error> {
    let mut transaction = database.begin(&context(), Work::Write).await?;
    transaction.execute("insert into entry (text) values ('a')", &[]).await?;
    transaction.commit().await
}

/// Reads one page by its place, and so no other.
async fn read(database: &Database, page: i32) -> Result<(), Error> {
    let place = format!("({page},1)");
    let sql = "select id from page where ctid = $1::text::tid";
    database.read(&context()).await?.query_one(sql, &[&place]).await.map(drop)
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    (work.await, start.elapsed())
}

async fn fill(test: &TestDatabase) {
    let sql = format!("insert into page select n, '' from generate_series(1, {PAGES}) n");
    test.connect().await.batch_execute(&sql).await.unwrap();
}

/// What came of each call that one caller made until `end`, and how long it took.
async fn keep_on<T>(end: Instant, call: impl AsyncFn() -> T) -> Vec<(T, Duration)> {
    let mut outcomes = Vec::new();
    while Instant::now() < end {
        outcomes.push(timed(call()).await);
        // People do not come back at once either.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    outcomes
}

/// The time within which 99 of 100 were done.
fn p99(took: impl Iterator<Item = Duration>) -> Duration {
    let mut took: Vec<Duration> = took.collect();
    took.sort_unstable();
    *took.get(took.len() * 99 / 100).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_commits_pause_writes_and_leave_reads_alone() {
    let server = PrivatePostgres::start().await;
    let test = server.database("slow_disk", migrations).await;
    fill(&test).await;
    let without_breakers = Registry::new(system_clock(), Ablation::default().without(Part::Breakers));
    for (breakers, has_breakers) in [(breakers(), true), (without_breakers, false)] {
        let database = Database::open(&test.config(), &breakers, &Handle::current()).unwrap();
        write(&database).await.unwrap();
        server.disk().set(DiskDelays { sync_ms: 200, read_ms: 0 }).unwrap();
        let end = Instant::now() + Duration::from_secs(3);
        let writer = || keep_on(end, async || write(&database).await);
        let reader = keep_on(end, async || read(&database, 0).await);
        let (a, b, c, d, reads) = join!(writer(), writer(), writer(), writer(), reader);
        let writes = [a, b, c, d].into_iter().flatten().collect::<Vec<_>>();
        let refused = || writes.iter().filter(|(outcome, _)| matches!(outcome, Err(Error::Open(_))));
        assert_eq!(refused().count() > 0, has_breakers, "{writes:?}");
        if has_breakers {
            assert!(p99(refused().map(|(_, took)| *took)) < AT_ONCE, "{writes:?}");
        }
        assert!(reads.iter().all(|(outcome, _)| outcome.is_ok()), "{reads:?}");
        assert!(p99(reads.iter().map(|(_, took)| *took)) < AT_ONCE, "{reads:?}");
        server.disk().set(DiskDelays::default()).unwrap();
        eventually("writes go on", async || write(&database).await.is_ok()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_reads_refuse_those_who_need_the_disk_and_nobody_else() {
    let mut server = PrivatePostgres::start().await;
    let test = server.database("slow_disk", migrations).await;
    fill(&test).await;
    // Its memory holds nothing after this.
    server.restart().await;
    let mut config = test.config();
    config.statement_ms = 300;
    let database = Database::open(&config, &breakers(), &Handle::current()).unwrap();
    // As many at once as the pool has connections: what opening one needs from the catalogue is in memory then, too.
    for outcome in join_all((0..8).map(|_| read(&database, 0))).await {
        outcome.unwrap();
    }
    server.disk().set(DiskDelays { sync_ms: 0, read_ms: 500 }).unwrap();
    let next = AtomicI32::new(1);
    let read_next = async || read(&database, next.fetch_add(1, Ordering::Relaxed)).await;
    eventually("the disk is slow", async || read_next().await.is_err()).await;
    let end = Instant::now() + Duration::from_secs(3);
    let cold = || keep_on(end, &read_next);
    let warm = || keep_on(end, async || read(&database, 0).await);
    let (a, b, warm, also_warm) = join!(cold(), cold(), warm(), warm());
    for (outcome, took) in a.iter().chain(&b) {
        assert!(
            matches!(outcome, Err(Error::Timeout)) && *took < Duration::from_secs(1),
            "{outcome:?}, {took:?}"
        );
    }
    let warm = [warm, also_warm].into_iter().flatten().collect::<Vec<_>>();
    assert!(warm.iter().all(|(outcome, _)| outcome.is_ok()), "{warm:?}");
    assert!(p99(warm.iter().map(|(_, took)| *took)) < AT_ONCE, "{warm:?}");
    server.disk().set(DiskDelays::default()).unwrap();
    eventually("cold pages are read again", async || read(&database, PAGES - 1).await.is_ok()).await;
}
