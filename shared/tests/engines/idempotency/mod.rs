//! Settles that a key names one act: under retries, twins, roll-backs and time, on the real database.

mod ageing;
mod twins;

use std::future::{Future, ready};
use std::time::Duration;

use refinery::{Migration, Runner};
use serde_json::json;
use shared::clock::{SharedClock, system_clock};
use shared::context::Context;
use shared::idempotency::{self, Answer, Begin, Claim, Error};
use shared::pg::{Database, Work};
use shared::testing::{TestDatabase, breakers};
use tokio::runtime::Handle;
use uuid::Uuid;

const ROUTE: &str = "/test/v1/acts";

fn migrations() -> Runner {
    let keys = include_str!("../../../../services/courses/migrations/V2__idempotency_keys.sql");
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

/// One attempt, which ends as it is told while it is held; the answer is the id of the act's row. `None` when it was rolled back.
async fn attempt(
    database: &Database,
    clock: SharedClock,
    claim: &Claim,
    account: u128,
    key: &str,
    held: impl Future<Output = End>,
) -> Result<Option<Answer>, Error> {
    let context = Context::background(clock, Duration::from_secs(10));
    let mut transaction = database.begin(&context, Work::Write).await?;
    let token = match idempotency::begin(&mut transaction, Some(claim)).await? {
        Begin::First(token) => token,
        Begin::Replay(answer) => return Ok(Some(answer)),
    };
    let insert = "insert into act (account_id, key) values ($1, $2) returning id";
    let row = transaction.query_one(insert, &[&Uuid::from_u128(account), &key]).await?;
    let end = held.await;
    let answer = Answer::created(&json!({ "id": row.get::<_, i32>(0) }));
    let answer = idempotency::finish(&mut transaction, token, answer).await?;
    if end == End::RollBack {
        return Ok(None);
    }
    transaction.commit().await?;
    Ok(Some(answer))
}

async fn act(database: &Database, account: u128, key: &str) -> Result<Answer, Error> {
    let done =
        attempt(database, system_clock(), &claim(account, key), account, key, ready(End::Commit)).await;
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
    let done = attempt(&database, system_clock(), &other_route, 1, "k", ready(End::Commit)).await.unwrap();
    assert!(!done.unwrap().is_replay());
    let other_request = Claim::new(Uuid::from_u128(1), ROUTE, "k", [2; 32]);
    let refused =
        attempt(&database, system_clock(), &other_request, 1, "k", ready(End::Commit)).await.unwrap_err();
    assert!(matches!(refused, Error::Reused), "{refused}");
    assert_eq!(count(&test, "select count(*) from act").await, 2);
}
