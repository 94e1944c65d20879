//! Settles that a region's accounts are revoked in one statement, and read page by page without a gap.

use std::time::Duration;

use shared::clock::system_clock;
use shared::context::Context;
use shared::pg::{Database, Work};
use shared::service::Service;
use shared::testing::{TestDatabase, breakers};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::*;
use crate::Auth;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_accounts_are_revoked_within_five_seconds() {
    let test = TestDatabase::create("auth", Auth::migrations).await;
    let people = "insert into person (id, source, source_id, given_name, family_name)
            select ('00000000-0000-0000-0001-' || lpad(n::text, 12, '0'))::uuid, 'many', n::text, 'A', 'B'
            from generate_series(1, 100000) n;
        insert into account (person_id, login, password_hash) select id, 'many' || source_id, '$argon2id$' from person";
    let client = test.connect().await;
    client.batch_execute(people).await.unwrap();
    let rows = client.query("select person_id from account", &[]).await.unwrap();
    let people: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();

    let clock = system_clock();
    let started = clock.now();
    client.batch_execute("begin; update account set totp_last_step = 0; rollback").await.unwrap();
    let plain = clock.now() - started;

    let database = Database::open(&test.config(), &breakers(), &Handle::current()).unwrap();
    let context = Context::background(clock.clone(), Duration::from_mins(1));
    let at = clock.utc();
    let started = clock.now();
    let mut transaction = database.begin(&context, Work::Background).await.unwrap();
    let raised = insert_accounts(&mut transaction, &people, at).await.unwrap();
    transaction.commit().await.unwrap();
    let took = clock.now() - started;
    assert_eq!(raised, Raised { count: 100_000, epoch: 100_000 });
    // Whatever else the machine does meanwhile slows the plain update down as well.
    assert!(
        took < Duration::from_secs(5).max(plain * 5),
        "{took:?}, and a plain update of the same rows {plain:?}"
    );

    let mut reader = database.reader(&context, Work::Background).await.unwrap();
    let (mut after, mut seen, since) = (0, 0, at - chrono::TimeDelta::seconds(1));
    loop {
        let page = news(&mut reader, Some(after), since).await.unwrap();
        assert!(page.revocations.iter().zip(after + 1..).all(|(one, epoch)| one.epoch == epoch));
        seen += page.revocations.len();
        after = page.upto;
        if !page.has_more() {
            break;
        }
    }
    assert_eq!((seen, after), (100_000, 100_000));
    println!("100,000 accounts revoked in {took:?}; a plain update of the same rows took {plain:?}");
    let long_ago = news(&mut reader, Some(0), at).await.unwrap();
    assert_eq!((long_ago.revocations.len(), long_ago.upto), (0, 100_000), "what no token can be as old as");
}
