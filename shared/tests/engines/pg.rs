//! Settles that a connection is lent only when nothing runs on it: after time-outs, dropped work, failed statements and outages.

use std::time::{Duration, Instant};

use refinery::{Migration, Runner};
use shared::clock::system_clock;
use shared::context::Context;
use shared::pg::{Constraint, Database, Endpoint, Error, PoolSizes, Work};
use shared::resilience::breaker::{Policy, Settings};
use shared::testing::{FaultProxy, TestDatabase, breakers, eventually};
use tokio::runtime::Handle;

fn migrations() -> Runner {
    let sql = "create table account (id integer primary key, balance integer not null check (balance >= 0))";
    Runner::new(&[Migration::unapplied("V1__account", sql).unwrap()])
}

/// A database with one connection per class of work, so that a borrower meets what the last one left.
async fn one_connection(limit: Duration) -> (TestDatabase, Database) {
    let test = TestDatabase::create("shared_pg", migrations).await;
    let mut config = test.config();
    config.pools = PoolSizes { read: 1, write: 1, login: 1, deferrable: 1, background: 1 };
    config.statement_ms = u64::try_from(limit.as_millis()).unwrap();
    let database = Database::open(&config, &breakers(), &Handle::current()).unwrap();
    (test, database)
}

fn context() -> Context {
    Context::background(system_clock(), Duration::from_secs(10))
}

async fn read_one(database: &Database) -> Result<i32, Error> {
    Ok(database.read(&context()).await?.query_one("select 1", &[]).await?.get(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timed_out_query_does_not_delay_the_next_borrower() {
    let (_test, database) = one_connection(Duration::from_millis(300)).await;
    read_one(&database).await.unwrap();
    let mut reader = database.read(&context()).await.unwrap();
    let outcome = reader.query("select pg_sleep(5)", &[]).await;
    assert!(matches!(outcome, Err(Error::Timeout)), "{outcome:?}");
    drop(reader);
    let start = Instant::now();
    assert_eq!(read_one(&database).await.unwrap(), 1);
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "the sleeper would have taken 4.7 s more: {:?}",
        start.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_work_is_cancelled_and_rolled_back_before_the_connection_is_lent_again() {
    let (_test, database) = one_connection(Duration::from_secs(5)).await;
    let backend = "select pg_backend_pid(), (select count(*) from account)";
    let mut transaction = database.begin(&context(), Work::Write).await.unwrap();
    transaction.execute("insert into account values (1, 10)", &[]).await.unwrap();
    let before = transaction.query_one(backend, &[]).await.unwrap();
    let abandoned =
        tokio::time::timeout(Duration::from_millis(200), transaction.query("select pg_sleep(4)", &[])).await;
    assert!(abandoned.is_err());
    drop(transaction);
    let start = Instant::now();
    let after = database.begin(&context(), Work::Write).await.unwrap().query_one(backend, &[]).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(
        before.get::<_, i32>(0),
        after.get::<_, i32>(0),
        "cancelled and lent again, not given up and opened anew"
    );
    assert_eq!((before.get::<_, i64>(1), after.get::<_, i64>(1)), (1, 0), "rolled back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_never_hits_the_next_borrower() {
    let (_test, database) = one_connection(Duration::from_secs(5)).await;
    for round in 0..40_u64 {
        let mut reader = database.read(&context()).await.unwrap();
        // Abandoned at ever later moments, also just when the answer comes.
        let limit = Duration::from_micros(200 + round * 150);
        let _ = tokio::time::timeout(limit, reader.query("select pg_sleep(0.003)", &[])).await;
        drop(reader);
        for _ in 0..3 {
            assert_eq!(read_one(&database).await.unwrap(), 1, "round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_rule_is_named_and_the_connection_stays_good() {
    let (_test, database) = one_connection(Duration::from_secs(5)).await;
    let mut transaction = database.begin(&context(), Work::Write).await.unwrap();
    transaction.execute("insert into account values (1, 10)", &[]).await.unwrap();
    let twice = transaction.execute("insert into account values (1, 20)", &[]).await.unwrap_err();
    let expected = Constraint { name: "account_pkey".to_owned(), is_unique: true };
    assert!(matches!(&twice, Error::Constraint(constraint) if *constraint == expected), "{twice:?}");
    assert!(!twice.retryable());
    drop(transaction);
    let mut transaction = database.begin(&context(), Work::Write).await.unwrap();
    transaction.execute("insert into account values (1, 30)", &[]).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_bulkhead_refuses_its_own_class_and_no_other() {
    let (_test, database) = one_connection(Duration::from_secs(5)).await;
    let held = database.begin(&context(), Work::Write).await.unwrap();
    let short = Context::background(system_clock(), Duration::from_millis(100));
    let refused = database.begin(&short, Work::Write).await.err().unwrap();
    assert!(matches!(refused, Error::Deadline | Error::Busy), "{refused:?}");
    assert_eq!(read_one(&database).await.unwrap(), 1);
    drop(held);
    database.begin(&context(), Work::Write).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passed_deadline_asks_nothing_of_the_database() {
    let (_test, database) = one_connection(Duration::from_secs(5)).await;
    let mut reader = database.read(&context()).await.unwrap();
    drop(reader.query("select 1", &[]).await.unwrap());
    let passed = Context::background(system_clock(), Duration::ZERO);
    assert!(matches!(database.read(&passed).await, Err(Error::Deadline)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_away_serves_again_without_a_restart() {
    let test = TestDatabase::create("shared_pg", migrations).await;
    let mut config = test.config();
    let proxy = FaultProxy::in_front_of(&format!("{}:{}", config.host, config.port)).await;
    config.port = proxy.address().port();
    config.statement_ms = 300;
    let database = Database::open(&config, &breakers(), &Handle::current()).unwrap();
    assert_eq!(read_one(&database).await.unwrap(), 1);
    for fault in [FaultProxy::break_connections, FaultProxy::stall] {
        fault(&proxy);
        let error = read_one(&database).await.unwrap_err();
        assert!(error.retryable(), "{error:?}");
        proxy.restore();
        eventually("the database serves again", async || read_one(&database).await.is_ok()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_takes_the_reads_of_requests_and_nothing_else() {
    let test = TestDatabase::create("shared_pg", migrations).await;
    let mut config = test.config();
    let replica = FaultProxy::in_front_of(&format!("{}:{}", config.host, config.port)).await;
    let address = replica.address();
    config.replica = Some(Endpoint { host: address.ip().to_string(), port: address.port() });
    let database = Database::open(&config, &breakers(), &Handle::current()).unwrap();
    assert_eq!(read_one(&database).await.unwrap(), 1);
    let taken = replica.attempts();
    assert!(taken > 0, "reads go there");
    let mut transaction = database.begin(&context(), Work::Write).await.unwrap();
    transaction.execute("insert into account values (1, 10)", &[]).await.unwrap();
    transaction.commit().await.unwrap();
    for work in [Work::Login, Work::Background] {
        database.reader(&context(), work).await.unwrap().query_one("select 1", &[]).await.unwrap();
    }
    assert_eq!(replica.attempts(), taken, "writes, sign-ins and background work do not");
    replica.break_connections();
    assert!(read_one(&database).await.unwrap_err().retryable());
    database.begin(&context(), Work::Write).await.unwrap().query("select 1", &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_fail_pause_writes_and_nothing_else_until_one_succeeds() {
    let test = TestDatabase::create("shared_pg", migrations).await;
    let mut config = test.config();
    let proxy = FaultProxy::in_front_of(&format!("{}:{}", config.host, config.port)).await;
    config.port = proxy.address().port();
    config.statement_ms = 200;
    let settings =
        Settings { minimum_calls: 2, first_open_ms: 500, longest_open_ms: 500, ..Settings::default() };
    config.write_breaker = Policy::try_new(settings).unwrap();
    let database = Database::open(&config, &breakers(), &Handle::current()).unwrap();
    for id in [1, 2] {
        let mut transaction = database.begin(&context(), Work::Write).await.unwrap();
        transaction.execute("insert into account values ($1, 10)", &[&id]).await.unwrap();
        proxy.stall();
        assert!(transaction.commit().await.unwrap_err().retryable());
        proxy.restore();
        eventually("the database answers", async || read_one(&database).await.is_ok()).await;
    }
    let refused = database.begin(&context(), Work::Write).await.err().unwrap();
    assert!(matches!(refused, Error::Open(_)) && refused.retryable(), "{refused:?}");
    assert_eq!(read_one(&database).await.unwrap(), 1, "reads go on");
    database.begin(&context(), Work::Login).await.unwrap().commit().await.unwrap();
    eventually("writes go on", async || {
        let Ok(mut transaction) = database.begin(&context(), Work::Write).await else { return false };
        let add = "insert into account values (3, 10) on conflict do nothing";
        transaction.execute(add, &[]).await.is_ok() && transaction.commit().await.is_ok()
    })
    .await;
}
