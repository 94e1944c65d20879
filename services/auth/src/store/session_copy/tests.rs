//! Settles that what a copy says is never lowered, in whatever order batches arrive.

use std::time::Duration;

use chrono::TimeDelta;
use shared::clock::{Clock, system_clock};
use shared::context::Context;
use shared::pg::{Database, Work};
use shared::service::Service;
use shared::testing::{ManualClock, TestDatabase, breakers};
use tokio::runtime::Handle;

use super::*;
use crate::Auth;

fn copy(sid: u128, generation: i32, is_ended: bool) -> SessionCopy {
    let start = ManualClock::default().utc();
    SessionCopy {
        person_id: Uuid::from_u128(1),
        sid: Uuid::from_u128(sid),
        generation,
        browser: "Firefox, Linux".to_owned(),
        created_at: start,
        refreshed_at: start + TimeDelta::minutes(generation.into()),
        ends_at: start + TimeDelta::hours(12),
        is_ended,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn late_batches_neither_lower_a_generation_nor_bring_back_what_was_ended() {
    let test = TestDatabase::create("auth", Auth::migrations).await;
    let database = Database::open(&test.config(), &breakers(), &Handle::current()).unwrap();
    let context = Context::background(system_clock(), Duration::from_secs(10));
    for batch in [vec![copy(1, 3, false), copy(2, 2, true)], vec![copy(1, 2, false), copy(2, 3, false)]] {
        let mut transaction = database.begin(&context, Work::Background).await.unwrap();
        upsert(&mut transaction, &batch).await.unwrap();
        transaction.commit().await.unwrap();
    }
    let mut reader = database.reader(&context, Work::Background).await.unwrap();
    let person = Uuid::from_u128(1);
    assert_eq!(find(&mut reader, person, Uuid::from_u128(1)).await.unwrap(), Some(copy(1, 3, false)));
    assert_eq!(find(&mut reader, person, Uuid::from_u128(2)).await.unwrap(), Some(copy(2, 3, true)));
    let now = ManualClock::default().utc();
    assert_eq!(find_of_person(&mut reader, person, now, 10).await.unwrap(), [copy(1, 3, false)]);
    assert_eq!(copy(1, 3, false).merged(&copy(1, 2, true)), copy(1, 3, true));
}
