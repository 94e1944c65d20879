//! Settles that homework asked for twice is given once: retries, twins, lost attempts and the end of a key's day.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use reqwest::Method;
use serde_json::{Value, json};
use shared::testing::{Answer, Client, ManualClock, Running, eventually};
use tokio_postgres::Client as Connection;
use uuid::Uuid;

use crate::app::{App, FRENCH, MATHS, Who, config};

fn homework(title: &str) -> Value {
    json!({ "title": title, "instructions": "", "due_on": "2026-09-10" })
}

async fn give(browser: &Client, course: Uuid, key: &str, body: &Value) -> Answer {
    let request = browser.request(Method::POST, &format!("/courses/v1/courses/{course}/homework"));
    browser.send(request.header("Idempotency-Key", key).json(body)).await
}

async fn given(app: &App, title: &str) -> i64 {
    let sql = "select count(*) from homework where title = $1";
    app.database.connect().await.query_one(sql, &[&title]).await.unwrap().get(0)
}

fn is_replay(answer: &Answer) -> bool {
    answer.headers.get("idempotency-replayed").is_some_and(|value| value == "true")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_gets_the_same_answer_and_gives_nothing_again() {
    let app = App::start().await;
    let teacher = app.browser(Who::TEACHER);
    let first = give(&teacher, MATHS, "k", &homework("A")).await.expect(201);
    let again = give(&teacher, MATHS, "\"k\"", &homework("A")).await.expect(201);
    assert_eq!(first.body, again.body);
    assert_eq!(first.headers["content-type"], again.headers["content-type"]);
    assert!(!is_replay(&first) && is_replay(&again));
    assert_eq!(given(&app, "A").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_names_one_request_of_one_person() {
    let app = App::start().await;
    let teacher = app.browser(Who::TEACHER);
    give(&teacher, MATHS, "k", &homework("A")).await.expect(201);
    give(&teacher, MATHS, "k", &homework("B")).await.expect_problem(422, "idempotency_key_reused");
    give(&teacher, FRENCH, "k", &homework("A")).await.expect_problem(422, "idempotency_key_reused");
    let colleague = give(&app.browser(Who::OTHER_TEACHER), FRENCH, "k", &homework("A")).await.expect(201);
    assert!(!is_replay(&colleague));
    assert_eq!((given(&app, "A").await, given(&app, "B").await), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_judged_anew_and_a_bad_key_is_refused_by_name() {
    let app = App::start().await;
    let teacher = app.browser(Who::TEACHER);
    let mut late = homework("A");
    late["due_on"] = json!("2026-08-31");
    give(&teacher, MATHS, "k", &late).await.expect_problem(422, "due_date_out_of_range");
    give(&teacher, FRENCH, "k", &homework("A")).await.expect_problem(403, "not_allowed");
    give(&teacher, MATHS, "k", &json!({})).await.expect_problem(400, "malformed_body");
    assert!(!is_replay(&give(&teacher, MATHS, "k", &homework("A")).await.expect(201)));
    give(&teacher, MATHS, "", &homework("A")).await.expect_problem(400, "malformed_idempotency_key");
    let nobody = app.courses.client();
    give(&nobody, MATHS, "k", &homework("A")).await.expect_problem(401, "sign_in_required");
}

/// Keeps every homework from being stored until the connection's transaction ends.
async fn hold(app: &App) -> Connection {
    let connection = app.database.connect().await;
    connection.batch_execute("begin; lock table homework in exclusive mode").await.unwrap();
    connection
}

/// Waits until a request is kept from storing its homework.
async fn one_is_held(app: &App) {
    let held = "select exists (select 1 from pg_stat_activity where datname = current_database()
                and query like 'insert into homework%' and wait_event_type = 'Lock')";
    let connection = app.database.connect().await;
    let is_held = async || connection.query_one(held, &[]).await.unwrap().get::<_, bool>(0);
    eventually("one request is held", is_held).await;
}

/// Waits until a twin has found the key taken and has no answer yet.
async fn a_twin_waits(app: &App) {
    let waiting = "select exists (select 1 from pg_stat_activity where datname = current_database()
                   and state = 'idle in transaction' and query like 'select fingerprint%')";
    let connection = app.database.connect().await;
    let is_waiting = async || connection.query_one(waiting, &[]).await.unwrap().get::<_, bool>(0);
    eventually("a twin waits", is_waiting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_are_one_act_with_two_equal_answers() {
    let app = App::start().await;
    let (one, other) = (app.browser(Who::TEACHER), app.browser(Who::TEACHER));
    let holding = hold(&app).await;
    let body = homework("A");
    let twins = join(give(&one, MATHS, "k", &body), give(&other, MATHS, "k", &body));
    let release = async {
        one_is_held(&app).await;
        a_twin_waits(&app).await;
        holding.batch_execute("commit").await.unwrap();
    };
    let ((one, other), ()) = join(twins, release).await;
    let (one, other) = (one.expect(201), other.expect(201));
    assert_eq!(one.body, other.body);
    assert!(is_replay(&one) != is_replay(&other), "one acted, the other waited for its answer");
    assert_eq!(given(&app, "A").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_of_a_long_request_is_told_to_come_back_and_then_gets_its_answer() {
    let app = App::start().await;
    // Long enough for the first to be still at work when its twin gives up.
    let mut config = config(&app.database, &app.keys, "http://127.0.0.1:9");
    config.postgres.statement_ms = 4_500;
    let app = App { courses: Running::start(config, Arc::new(ManualClock::default())), ..app };
    let (one, other) = (app.browser(Who::TEACHER), app.browser(Who::TEACHER));
    let holding = hold(&app).await;
    let body = homework("A");
    let late = async {
        one_is_held(&app).await;
        let refused = give(&other, MATHS, "k", &body).await.expect(409);
        holding.batch_execute("commit").await.unwrap();
        refused
    };
    let (first, refused) = join(give(&one, MATHS, "k", &body), late).await;
    assert_eq!(refused.code(), "request_in_progress");
    assert!(refused.headers.contains_key("retry-after"));
    let again = give(&other, MATHS, "k", &body).await.expect(201);
    assert_eq!(again.body, first.expect(201).body);
    assert_eq!(given(&app, "A").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_first_dies_half_way_its_twin_acts() {
    let app = App::start().await;
    let (one, other) = (app.browser(Who::TEACHER), app.browser(Who::TEACHER));
    let holding = hold(&app).await;
    let body = homework("A");
    let kill = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
                and query like 'insert into homework%' and wait_event_type = 'Lock'";
    let late = async {
        one_is_held(&app).await;
        let twin = give(&other, MATHS, "k", &body);
        let killer = async {
            a_twin_waits(&app).await;
            app.database.connect().await.query(kill, &[]).await.unwrap();
            holding.batch_execute("commit").await.unwrap();
        };
        join(twin, killer).await.0
    };
    let (first, twin) = join(give(&one, MATHS, "k", &body), late).await;
    first.expect_problem(503, "database_unavailable");
    assert!(!is_replay(&twin.expect(201)));
    assert_eq!(given(&app, "A").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_forgotten_after_a_day() {
    let app = App::start().await;
    let clock = ManualClock::default();
    let config = config(&app.database, &app.keys, "http://127.0.0.1:9");
    let app = App { courses: Running::start(config, Arc::new(clock.clone())), ..app };
    let Who(id, school, role) = Who::TEACHER;
    let give = async || {
        let token = app.keys.token_at(&clock, Uuid::from_u128(id), &[(school, role)]);
        give(&app.courses.client().with_token(token), MATHS, "k", &homework("A")).await.expect(201)
    };
    give().await;
    clock.advance(Duration::from_secs(24 * 3_600 - 1));
    assert!(is_replay(&give().await));
    clock.advance(Duration::from_secs(1));
    assert!(!is_replay(&give().await));
    assert_eq!(given(&app, "A").await, 2);
}
