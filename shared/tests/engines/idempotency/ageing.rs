//! Settles how long a key is remembered, how it is swept, and what is too large to be remembered at all.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use shared::clock::{SharedClock, system_clock};
use shared::context::Context;
use shared::idempotency::{self, Answer, Begin, Error, KEPT_FOR, LARGEST_ANSWER, Sweeper};
use shared::pg::Work;
use shared::testing::ManualClock;
use uuid::Uuid;

use super::{End, attempt, claim, count, database};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_remembered_for_a_day_and_then_names_a_new_act() {
    let (test, database) = database().await;
    let clock = ManualClock::default();
    let act = async || {
        let clock: SharedClock = Arc::new(clock.clone());
        attempt(&database, clock, &claim(1, "k"), 1, "k", ready(End::Commit)).await.unwrap().unwrap()
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
