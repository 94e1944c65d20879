//! Settles that a key names one act: under retries, twins, roll-backs and time, on the real database.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use refinery::{Migration, Runner};
use serde_json::json;
use shared::clock::{SharedClock, system_clock};
use shared::context::Context;
use shared::idempotency::{self, Answer, Begin, Claim, Error, KEPT_FOR, LARGEST_ANSWER, Sweeper};
use shared::pg::{Database, Work};
use shared::testing::{ManualClock, TestDatabase, breakers};
use tokio::runtime::Handle;
use uuid::Uuid;

const ROUTE: &str = "/test/v1/acts";

fn migrations() -> Runner {
    let keys = include_str!("../../../services/courses/migrations/V2__idempotency_keys.sql");
    let acts = "create table act (id integer generated always as identity, account_id uuid not null, key text not null)";
    let migrations = [("V1__act", acts), ("V2__idempotency_keys", keys)];
    Runner::new(&migrations.map(|(name, sql)| Migration::unapplied(name, sql).unwrap()))
}

async fn database() -> (TestDatabase, Database) {
    let test = TestDatabase::create("shared_idempotency", migrations).await;
    let database = Database::open(&test.config(), &breakers(), &Handle::current()).unwrap();
    (test, database)
}

fn claim(account: u128, key: &str) -> Claim {
    Claim::new(Uuid::from_u128(account), ROUTE, key, [1; 32])
}

/// What becomes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Commit,
    RollBack,
}

/// One attempt; the answer is the id of the act's row. `None` when it was rolled back.
async fn attempt(
    database: &Database,
    clock: SharedClock,
    claim: &Claim,
    account: u128,
    key: &str,
    (hold, end): (Duration, End),
) -> Result<Option<Answer>, Error> {
    let context = Context::background(clock, Duration::from_secs(10));
    let mut transaction = database.begin(&context, Work::Write).await?;
    let token = match idempotency::begin(&mut transaction, Some(claim)).await? {
        Begin::First(token) => token,
        Begin::Replay(answer) => return Ok(Some(answer)),
    };
    let insert = "insert into act (account_id, key) values ($1, $2) returning id";
    let row = transaction.query_one(insert, &[&Uuid::from_u128(account), &key]).await?;
    tokio::time::sleep(hold).await;
    let answer = Answer::created(&json!({ "id": row.get::<_, i32>(0) }));
    let answer = idempotency::finish(&mut transaction, token, answer).await?;
    if end == End::RollBack {
        return Ok(None);
    }
    transaction.commit().await?;
    Ok(Some(answer))
}

const AT_ONCE: (Duration, End) = (Duration::ZERO, End::Commit);

async fn act(database: &Database, account: u128, key: &str) -> Result<Answer, Error> {
    let done = attempt(database, system_clock(), &claim(account, key), account, key, AT_ONCE).await;
    done.map(|answer| answer.unwrap())
}

async fn count(test: &TestDatabase, sql: &str) -> i64 {
    test.connect().await.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_gets_the_first_answer_and_another_account_acts_for_itself() {
    let (test, database) = database().await;
    let first = act(&database, 1, "k").await.unwrap();
    let again = act(&database, 1, "k").await.unwrap();
    assert!(!first.is_replay() && again.is_replay());
    assert!(!act(&database, 2, "k").await.unwrap().is_replay());
    assert!(!act(&database, 1, "l").await.unwrap().is_replay());
    assert_eq!(count(&test, "select count(*) from act").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_on_another_route_is_another_act_and_for_another_request_is_refused() {
    let (test, database) = database().await;
    act(&database, 1, "k").await.unwrap();
    let other_route = Claim::new(Uuid::from_u128(1), "/test/v1/others", "k", [1; 32]);
    let done = attempt(&database, system_clock(), &other_route, 1, "k", AT_ONCE).await.unwrap();
    assert!(!done.unwrap().is_replay());
    let other_request = Claim::new(Uuid::from_u128(1), ROUTE, "k", [2; 32]);
    let refused = attempt(&database, system_clock(), &other_request, 1, "k", AT_ONCE).await.unwrap_err();
    assert!(matches!(refused, Error::Reused), "{refused}");
    assert_eq!(count(&test, "select count(*) from act").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_waits_for_the_first_and_acts_when_that_one_rolled_back() {
    let (test, database) = database().await;
    for (end, acts) in [(End::Commit, 1), (End::RollBack, 2)] {
        let key = format!("{end:?}");
        let claim = claim(1, &key);
        let slow = attempt(&database, system_clock(), &claim, 1, &key, (Duration::from_millis(300), end));
        let twin = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            act(&database, 1, &key).await.unwrap()
        };
        let (first, twin) = tokio::join!(slow, twin);
        assert_eq!(twin.is_replay(), first.unwrap().is_some(), "{end:?}");
        assert_eq!(count(&test, "select count(*) from act").await, acts, "{end:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_of_one_that_takes_long_is_told_so_within_its_bound() {
    let (_test, database) = database().await;
    let claim = claim(1, "k");
    let long = (Duration::from_secs(3), End::Commit);
    let slow = attempt(&database, system_clock(), &claim, 1, "k", long);
    let twin = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let start = Instant::now();
        (act(&database, 1, "k").await, start.elapsed())
    };
    let (first, (twin, waited)) = tokio::join!(slow, twin);
    assert!(first.unwrap().is_some());
    assert!(matches!(twin, Err(Error::InProgress)), "{twin:?}");
    assert!(waited < Duration::from_secs(2), "{waited:?}");
    assert!(act(&database, 1, "k").await.unwrap().is_replay());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_remembered_for_a_day_and_then_names_a_new_act() {
    let (test, database) = database().await;
    let clock = ManualClock::default();
    let act = async || {
        let clock: SharedClock = Arc::new(clock.clone());
        attempt(&database, clock, &claim(1, "k"), 1, "k", AT_ONCE).await.unwrap().unwrap()
    };
    act().await;
    let second = TimeDelta::seconds(1);
    clock.advance((KEPT_FOR - second).to_std().unwrap());
    assert!(act().await.is_replay());
    clock.advance(second.to_std().unwrap());
    assert!(!act().await.is_replay(), "the expired key is taken over, swept or not");
    assert!(act().await.is_replay());
    assert_eq!(count(&test, "select count(*) from act").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_keys_are_swept_in_batches_and_no_others() {
    let (test, database) = database().await;
    let fill = "insert into idempotency_key (account_id, route, key, fingerprint, expires_at)
        select gen_random_uuid(), '/r', 'k', decode(repeat('00', 32), 'hex'), now() + (n - 1500) * interval '1 hour'
        from generate_series(1, 1600) n";
    test.connect().await.batch_execute(fill).await.unwrap();
    let sweeper = Sweeper::new(database, system_clock());
    assert_eq!(sweeper.sweep().await.unwrap(), 1_000);
    assert_eq!(sweeper.sweep().await.unwrap(), 500);
    assert_eq!(sweeper.sweep().await.unwrap(), 0);
    assert_eq!(count(&test, "select count(*) from idempotency_key").await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_too_large_to_keep_undoes_its_act() {
    let (test, database) = database().await;
    // Two quotes of JSON around it.
    for (bytes, is_kept) in [(LARGEST_ANSWER - 2, true), (LARGEST_ANSWER - 1, false)] {
        let context = Context::background(system_clock(), Duration::from_secs(10));
        let mut transaction = database.begin(&context, Work::Write).await.unwrap();
        let claim = claim(1, &bytes.to_string());
        let Begin::First(token) = idempotency::begin(&mut transaction, Some(&claim)).await.unwrap() else {
            panic!("nobody was here before");
        };
        transaction
            .execute("insert into act (account_id, key) values ($1, '')", &[&Uuid::nil()])
            .await
            .unwrap();
        let answer = Answer::created(&"x".repeat(bytes));
        match idempotency::finish(&mut transaction, token, answer).await {
            Ok(_) => transaction.commit().await.unwrap(),
            Err(error) => assert!(!is_kept && matches!(error, Error::TooLarge(_)), "{error}"),
        }
    }
    assert_eq!(count(&test, "select count(*) from act").await, 1);
}

/// One client: whose key it uses, when it comes, how long its act takes, whether its first attempt is lost.
type Asking = (u128, u8, u64, u64, bool);

/// Every client asks until it has an answer.
async fn ask_until_answered(database: Database, round: u32, asking: Asking) -> ((u128, String), Answer) {
    let (account, key, start_ms, hold_ms, is_lost) = asking;
    let key = format!("{round}-{key}");
    tokio::time::sleep(Duration::from_millis(start_ms)).await;
    let mut end = if is_lost { End::RollBack } else { End::Commit };
    loop {
        let hold = Duration::from_millis(hold_ms);
        let outcome =
            attempt(&database, system_clock(), &claim(account, &key), account, &key, (hold, end)).await;
        match outcome {
            Ok(Some(answer)) => return ((account, key), answer),
            Ok(None) | Err(Error::InProgress) => {}
            Err(Error::Database(error)) if error.retryable() => {}
            Err(error) => panic!("{error}"),
        }
        end = End::Commit;
    }
}

#[test]
fn any_interleaving_of_retries_is_one_act_per_account_and_key() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (test, database) = runtime.block_on(database());
    let asking = (0..2_u128, 0..3_u8, 0..20_u64, 0..10_u64, prop::bool::weighted(0.3));
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let rounds = AtomicU32::new(0);
    let outcome = TestRunner::new(config).run(&prop::collection::vec(asking, 1..24), |clients| {
        let round = rounds.fetch_add(1, Ordering::Relaxed);
        let handle = runtime.handle();
        let asked: Vec<_> = clients
            .into_iter()
            .map(|asking| handle.spawn(ask_until_answered(database.clone(), round, asking)))
            .collect();
        let answers: Vec<_> = runtime.block_on(futures_util::future::join_all(asked));
        let mut by_key: HashMap<_, Vec<Answer>> = HashMap::new();
        for (key, answer) in answers.into_iter().map(Result::unwrap) {
            by_key.entry(key).or_default().push(answer);
        }
        for answers in by_key.values() {
            prop_assert_eq!(answers.iter().filter(|answer| !answer.is_replay()).count(), 1);
        }
        let acts = format!("select count(*) from act where key like '{round}-%'");
        let acts = runtime.block_on(count(&test, &acts));
        prop_assert_eq!(usize::try_from(acts).unwrap(), by_key.len());
        Ok(())
    });
    outcome.unwrap();
    runtime.block_on(async { drop((test, database)) });
}
