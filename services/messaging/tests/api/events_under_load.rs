//! Settles that streams and searches are given up before anybody's mailbox is: new ones are refused, and open ones are told later.

use std::cell::Cell;

use futures_util::future::{join, join_all};
use shared::resilience::adaptive_limit::Bounds;
use shared::testing::eventually;

use crate::app::{App, NOWHERE, Who};
use crate::events::{make, send};
use crate::listener::{Listener, ask, refusal};

/// Requests that one worker works on at once, and how many of them leave no place for what can wait.
const PLACES: u32 = 10;
const TAKEN: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_instance_refuses_streams_and_searches_and_serves_mailboxes() {
    let app = App::start_changed(NOWHERE, |config| {
        config.http.concurrency = Bounds { least: PLACES, most: PLACES };
        config.postgres.statement_ms = 10_000;
    })
    .await;
    let blocker = app.database.connect().await;
    blocker.batch_execute("begin; lock table thread in access exclusive mode").await.unwrap();
    let pupil = app.browser(Who::PUPIL);
    let held = join_all((0..TAKEN).map(|_| pupil.get("/messaging/v1/inbox")));
    let meanwhile = async {
        eventually("the places are taken", async || {
            let status = app.messaging.internal_client().get("/statusz").await.body;
            status["workers"][0]["in_flight"] == TAKEN
        })
        .await;
        refusal(&pupil).await.expect_problem(503, "overloaded");
        pupil.get("/messaging/v1/search?q=sortie").await.expect_problem(503, "overloaded");
        pupil.get("/messaging/v1/home").await.expect(200);
        blocker.batch_execute("rollback").await.unwrap();
    };
    let (held, ()) = join(held, meanwhile).await;
    assert!(held.iter().all(|answer| answer.status == 200), "{held:?}");
    assert_eq!(ask(&pupil, None).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_behind_tells_open_streams_later_and_all_at_once() {
    let app = App::start_changed(NOWHERE, |config| config.http.lag_ms = 1).await;
    let sent = send(&app).await;
    let (mut listener, _) = Listener::start(&app.browser(Who::PUPIL)).await;
    let is_over = Cell::new(false);
    let browsers: Vec<_> =
        (0..8).map(|number| app.browser(Who(100 + number, Who::PUPIL.1, Who::PUPIL.2))).collect();
    let crowd = join_all(browsers.iter().map(async |browser| {
        while !is_over.get() {
            // Whether this one is served or refused is not the question.
            browser.get("/messaging/v1/home").await;
        }
    }));
    let told = async {
        eventually("what can wait is shed", async || {
            let status = app.messaging.internal_client().get("/statusz").await.body;
            status["workers"][0]["admitted"]["deferrable"] == 0.0
        })
        .await;
        make(&app, "held", &sent["id"]).await;
        listener.until_unread(0).await;
        // All of this happens in the pause that has begun.
        for state in ["visible", "held", "visible", "held", "visible"] {
            make(&app, state, &sent["id"]).await;
            have_positions(&app).await;
        }
        let mut told = vec![];
        while told.last().is_none_or(|name| name != "unread_count") {
            told.push(listener.next().await.name);
        }
        is_over.set(true);
        told
    };
    let (_, told) = join(crowd, told).await;
    assert_eq!(told, ["message_released", "message_released", "message_released", "unread_count"]);
}

/// Waits until everything that happened has its place among the news, and could be told.
async fn have_positions(app: &App) {
    let database = app.database.connect().await;
    eventually("all news have positions", async || {
        let waiting = "select not exists (select 1 from mail_event where position is null)";
        database.query_one(waiting, &[]).await.unwrap().get(0)
    })
    .await;
}
