//! Settles that no message is accepted after a closing has committed, however many are under way, and that nobody waits without a limit.

use futures_util::future::{join, join_all, join3};
use messaging::Messaging;
use serde_json::json;
use shared::ablation::Part;
use shared::clock::system_clock;
use shared::testing::{Client, Running, eventually};

use crate::app::{App, CLASS, SCHOOL, Who, to_class};
use crate::restriction::{close, closing, restrictions};

/// How many locks of a kind somebody waits for in this database.
async fn waiting(database: &tokio_postgres::Client, kind: &str, mode: &str) -> i64 {
    let sql = "select count(*) from pg_locks
               where not granted and locktype = $1 and mode = $2
                 and database = (select oid from pg_database where datname = current_database())";
    database.query_one(sql, &[&kind, &mode]).await.unwrap().get(0)
}

async fn sent_by_pupils(database: &tokio_postgres::Client) -> i64 {
    let sql = "select count(*) from message m join directory.membership p
               on (p.school_id, p.person_id) = (m.school_id, m.sender_id) where p.role = 'Student'";
    database.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closing_waits_for_the_send_that_was_judged_before_it() {
    let app = App::start().await;
    let (gate, database) = (app.database.connect().await, app.database.connect().await);
    // The send is judged, and cannot write.
    gate.batch_execute("begin; lock table delivery in share mode").await.unwrap();
    let sending = app.send(Who::PUPIL, to_class(CLASS, &["student"]));
    let closing = async {
        eventually("the send writes", async || waiting(&database, "relation", "RowExclusiveLock").await == 1)
            .await;
        close(&app, &closing(&app, &["Student"], "closed", 90)).await
    };
    let releasing = async {
        eventually("the closing waits", async || waiting(&database, "advisory", "ExclusiveLock").await == 1)
            .await;
        gate.batch_execute("rollback").await.unwrap();
    };
    let (sent, ..) = join3(sending, closing, releasing).await;
    sent.expect(201);
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect_problem(403, "sending_restricted");
}

/// Sends until it is told that sending is closed.
async fn send_until_closed(browser: Client) {
    loop {
        let answer = browser.post("/messaging/v1/messages", &to_class(CLASS, &["student"])).await;
        match (answer.status, answer.code()) {
            (403, "sending_restricted") => return,
            (201 | 429 | 503, _) => {}
            _ => panic!("{answer:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_senders_at_once_nobody_is_accepted_after_the_closing() {
    // They send more than an account may in an hour.
    let app = App::start().await.without(Part::Budgets);
    let beside = Running::<Messaging>::start(app.config.clone(), system_clock());
    let database = app.database.connect().await;
    // The other instance never hears of the closing: it asks the database like everybody.
    let browsers = |who: Who| [app.browser(who), beside.client().with_token(app.token(&[who], |_| {}))];
    let browsers = [Who::PUPIL, Who::CLASSMATE].repeat(6).into_iter().flat_map(browsers);
    let sending = join_all(browsers.map(send_until_closed));
    let closing = async {
        eventually("they send", async || sent_by_pupils(&database).await > 50).await;
        close(&app, &closing(&app, &["Student"], "closed", 90)).await;
        sent_by_pupils(&database).await
    };
    let (_, accepted) = join(sending, closing).await;
    assert_eq!(sent_by_pupils(&database).await, accepted, "committed after the closing");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_the_schools_lock_keeps_others_waiting_for_their_limit_and_no_longer() {
    let app = App::start().await;
    let holder = app.database.connect().await;
    let lock = format!("begin; select pg_advisory_xact_lock({}, hashtext('{SCHOOL}'))", 0x7365_6e64);
    holder.batch_execute(&lock).await.unwrap();
    let send = app.send(Who::PUPIL, to_class(CLASS, &["student"])).await;
    send.expect_problem(503, "database_unavailable");
    let body = closing(&app, &["Student"], "closed", 90);
    let closing = app.proved(Who::PRINCIPAL).post(&restrictions(""), &body).await;
    assert!(["database_unavailable", "deadline_exceeded"].contains(&closing.code()), "{closing:?}");
    assert_eq!(closing.status, 503);
    let other_school = json!({ "kind": "role", "school_id": crate::app::OTHER_SCHOOL, "role": "Principal" });
    let empty = json!({ "subject": "A", "body": "B", "audience": other_school });
    app.send(Who::STRANGER, empty).await.expect_problem(422, "no_recipients");
    holder.batch_execute("rollback").await.unwrap();
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201);
    assert_eq!((app.kept("sending_restricted").await, app.unread(Who::CLASSMATE).await), (0, 1));
}
