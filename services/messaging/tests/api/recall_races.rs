//! Settles that a recall misses nothing that is being sent or forwarded while it is made, and waits for nothing else.

use futures_util::future::{join, join_all, join3};
use serde_json::{Value, json};
use shared::ablation::Part;
use shared::testing::eventually;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::app::{App, CLASS, OTHER_CLASS, SCHOOL, Who, to_class};
use crate::recall::{by_senders, withdraw};

/// How many locks of a kind somebody waits for in this database.
async fn waiting(database: &Client, kind: &str, mode: &str) -> i64 {
    let sql = "select count(*) from pg_locks
               where not granted and locktype = $1 and mode = $2
                 and (database is null or database = (select oid from pg_database where datname = current_database()))";
    database.query_one(sql, &[&kind, &mode]).await.unwrap().get(0)
}

/// Withdraws what a selector names while a pupil's message has been judged and cannot be written.
async fn withdrawn_while_sending(app: &App, selector: &Value) -> Value {
    let (gate, database) = (app.database.connect().await, app.database.connect().await);
    gate.batch_execute("begin; lock table delivery in share mode").await.unwrap();
    let sending = app.send(Who::PUPIL, to_class(CLASS, &["student"]));
    let withdrawing = async {
        eventually("the send writes", async || waiting(&database, "relation", "RowExclusiveLock").await == 1)
            .await;
        withdraw(app, selector).await
    };
    let releasing = async {
        eventually("the recall waits", async || waiting(&database, "advisory", "ExclusiveLock").await == 1)
            .await;
        gate.batch_execute("rollback").await.unwrap();
    };
    let (sent, withdrawn, ()) = join3(sending, withdrawing, releasing).await;
    sent.expect(201);
    withdrawn
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recall_waits_for_the_send_of_its_sender_that_is_under_way() {
    let app = App::start().await;
    let withdrawn = withdrawn_while_sending(&app, &by_senders(&app, &[Who::PUPIL])).await;
    assert_eq!(withdrawn["schools"][0]["messages"], 1, "{withdrawn}");
    assert!(app.inbox(Who::CLASSMATE).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recall_of_a_window_waits_for_the_sends_of_its_school() {
    let app = App::start().await;
    let since = app.clock.utc() - chrono::TimeDelta::minutes(5);
    let withdrawn = withdrawn_while_sending(&app, &json!({ "kind": "window", "since": since })).await;
    assert_eq!(withdrawn["schools"][0]["messages"], 1, "{withdrawn}");
    assert!(app.inbox(Who::CLASSMATE).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forward_that_is_under_way_goes_with_what_it_quotes() {
    let app = App::start().await;
    let bad = app.send(Who::PUPIL, to_class(CLASS, &["student", "teacher"])).await.expect(201).body;
    let (gate, database) = (app.database.connect().await, app.database.connect().await);
    gate.batch_execute("begin; lock table delivery in share mode").await.unwrap();
    let mut forward = to_class(OTHER_CLASS, &["student"]);
    forward["quotes"] = bad["id"].clone();
    let sending = app.send(Who::TEACHER, forward);
    let withdrawing = async {
        eventually("the forward writes", async || {
            waiting(&database, "relation", "RowExclusiveLock").await == 1
        })
        .await;
        withdraw(&app, &json!({ "kind": "messages", "ids": [bad["id"]] })).await
    };
    let releasing = async {
        eventually("the recall waits", async || waiting(&database, "transactionid", "ShareLock").await == 1)
            .await;
        gate.batch_execute("rollback").await.unwrap();
    };
    let (sent, withdrawn, ()) = join3(sending, withdrawing, releasing).await;
    sent.expect(201);
    assert_eq!(withdrawn["schools"][0]["quoting"], 1, "{withdrawn}");
    assert!(app.inbox(Who::OTHER_PUPIL).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_senders_at_once_nothing_that_was_answered_before_is_seen_after() {
    // They send more than an account may in an hour.
    let app = App::start().await.without(Part::Budgets);
    let database = app.database.connect().await;
    let count =
        async || -> i64 { database.query_one("select count(*) from message", &[]).await.unwrap().get(0) };
    let sending = join_all((0..4).map(async |_| {
        let mut answered: Vec<Uuid> = Vec::new();
        while answered.len() < 25 {
            let answer = app.send(Who::PUPIL, to_class(CLASS, &["student"])).await;
            match answer.status {
                201 => answered.push(answer.body["id"].as_str().unwrap().parse().unwrap()),
                429 | 503 => {}
                _ => panic!("{answer:?}"),
            }
        }
        answered
    }));
    let withdrawing = async {
        eventually("they send", async || count().await > 30).await;
        let withdrawn = withdraw(&app, &by_senders(&app, &[Who::PUPIL])).await;
        let covered = withdrawn["schools"][0]["messages"].as_i64().unwrap();
        assert!(covered > 30, "{withdrawn}");
        covered
    };
    let (sent, covered) = join(sending, withdrawing).await;
    assert_eq!(sent.iter().flatten().count(), 100);
    assert_eq!(app.unread(Who::CLASSMATE).await, 100 - covered, "the first so many, and no other");
    let sql = "select bool_and(v.sent_at >= r.hidden_at) from message v, recall r where v.state = 'visible'";
    let is_later: Option<bool> = database.query_one(sql, &[]).await.unwrap().get(0);
    assert_ne!(is_later, Some(false), "what is seen was sent after the recall: {SCHOOL}");
}
