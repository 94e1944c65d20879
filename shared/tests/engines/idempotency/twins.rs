//! Settles what becomes of requests that come under one key at the same time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use shared::clock::system_clock;
use shared::idempotency::{Answer, Error};
use shared::pg::Database;
use shared::testing::{TestDatabase, eventually};
use tokio::sync::oneshot;

use super::{End, act, attempt, claim, count, database};

/// Waits until a twin has found the key taken and has no answer yet.
async fn one_waits(test: &TestDatabase) {
    let waiting = "select exists (select 1 from pg_stat_activity where datname = current_database()
                   and state = 'idle in transaction' and query like 'select fingerprint%')";
    let connection = test.connect().await;
    let is_waiting = async || connection.query_one(waiting, &[]).await.unwrap().get::<_, bool>(0);
    eventually("a twin waits", is_waiting).await;
}

/// Waits until somebody has acted and holds the key.
async fn one_holds(test: &TestDatabase) {
    let holding = "select exists (select 1 from pg_stat_activity where datname = current_database()
                   and state = 'idle in transaction' and query like 'insert into act%')";
    let connection = test.connect().await;
    let is_holding = async || connection.query_one(holding, &[]).await.unwrap().get::<_, bool>(0);
    eventually("the first holds the key", is_holding).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_waits_for_the_first_and_acts_when_that_one_rolled_back() {
    let (test, database) = database().await;
    for (end, acts) in [(End::Commit, 1), (End::RollBack, 2)] {
        let key = format!("{end:?}");
        let (claim, (release, held)) = (claim(1, &key), oneshot::channel());
        let held = async { held.await.unwrap() };
        let first = attempt(&database, system_clock(), &claim, 1, &key, held);
        let twin = async {
            one_holds(&test).await;
            act(&database, 1, &key).await.unwrap()
        };
        let releasing = async {
            one_waits(&test).await;
            release.send(end).unwrap();
        };
        let (first, twin, ()) = tokio::join!(first, twin, releasing);
        assert_eq!(twin.is_replay(), first.unwrap().is_some(), "{end:?}");
        assert_eq!(count(&test, "select count(*) from act").await, acts, "{end:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_of_one_that_takes_long_is_told_so_within_its_bound() {
    let (test, database) = database().await;
    let (claim, (release, held)) = (claim(1, "k"), oneshot::channel());
    let first = attempt(&database, system_clock(), &claim, 1, "k", async { held.await.unwrap() });
    let twin = async {
        one_holds(&test).await;
        let start = Instant::now();
        let told = act(&database, 1, "k").await;
        let waited = start.elapsed();
        release.send(End::Commit).unwrap();
        (told, waited)
    };
    let (first, (twin, waited)) = tokio::join!(first, twin);
    assert!(first.unwrap().is_some());
    assert!(matches!(twin, Err(Error::InProgress)), "{twin:?}");
    assert!(waited < Duration::from_secs(2), "{waited:?}");
    assert!(act(&database, 1, "k").await.unwrap().is_replay());
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
        let held = async {
            tokio::time::sleep(hold).await;
            end
        };
        let outcome = attempt(&database, system_clock(), &claim(account, &key), account, &key, held).await;
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
