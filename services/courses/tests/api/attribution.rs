//! Settles that a refusal or a slow answer is counted under what caused it, and under the class of whoever asked.

use std::sync::Arc;
use std::time::Duration;

use courses::Courses;
use reqwest::Method;
use serde_json::{Value, json};
use shared::clock::{SharedClock, system_clock};
use shared::resilience::rate_limit::Rate;
use shared::service::Config;
use shared::testing::{Client, FaultProxy, ManualClock, Running, eventually, redis_behind_proxies};
use tokio_postgres::Client as Connection;
use uuid::Uuid;

use crate::app::{App, MATHS, SCHOOL, Who, config};

const HOME: &str = "/courses/v1/home";

async fn start(clock: SharedClock, change: impl FnOnce(&mut Config<courses::Config>)) -> App {
    let app = App::start().await;
    let mut config = config(&app.database, &app.keys, "http://127.0.0.1:9");
    change(&mut config);
    App { courses: Running::<Courses>::start(config, clock), ..app }
}

/// On the machine's clock: what stands still is never slow.
async fn start_now(change: impl FnOnce(&mut Config<courses::Config>)) -> (App, Client) {
    let app = start(system_clock(), change).await;
    let Who(id, _, role) = Who::TEACHER;
    let token = app.keys.token_at(&*system_clock(), Uuid::from_u128(id), &[(SCHOOL, role)]);
    let browser = app.courses.client().with_token(token);
    (app, browser)
}

/// (refusals, slow answers) under a cause, a part that begins like this, and a class.
async fn counted(app: &App, cause: &str, part: &str, caller: &str) -> (u64, u64) {
    let status = app.courses.internal_client().get("/statusz").await.expect(200).body;
    let rows = status["refusals_and_slow_answers"].as_array().unwrap().clone();
    let is_meant = |row: &&Value| {
        row["cause"] == cause && row["caller"] == caller && row["part"].as_str().unwrap().starts_with(part)
    };
    let number = |row: &Value, name: &str| row[name].as_u64().unwrap();
    let meant = rows.iter().filter(is_meant);
    meant.fold((0, 0), |sum, row| (sum.0 + number(row, "refusals"), sum.1 + number(row, "slow_answers")))
}

/// Keeps a table from everybody until the connection's transaction ends.
async fn hold(app: &App, table: &str) -> Connection {
    let connection = app.database.connect().await;
    connection.batch_execute(&format!("begin; lock table {table} in access exclusive mode")).await.unwrap();
    connection
}

/// Waits until a statement has been kept waiting for longer than answers may take.
async fn held_for_long(app: &App) {
    let held = "select exists (select 1 from pg_stat_activity where datname = current_database()
                and wait_event_type = 'Lock' and clock_timestamp() - query_start > interval '200 ms')";
    let connection = app.database.connect().await;
    let is_held = async || connection.query_one(held, &[]).await.unwrap().get::<_, bool>(0);
    eventually("a statement is held", is_held).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_waits_for_postgresql_is_slow_because_of_it() {
    let (app, browser) = start_now(|config| config.http.slow_ms = 150).await;
    let holding = hold(&app, "course").await;
    let release = async {
        held_for_long(&app).await;
        holding.batch_execute("commit").await.unwrap();
    };
    let page = format!("/courses/v1/courses/{MATHS}");
    let (answer, ()) = tokio::join!(browser.get(&page), release);
    answer.expect(200);
    assert_eq!(counted(&app, "dependency_slow", "postgres", "session").await, (0, 1));
    assert_eq!(counted(&app, "unexplained", "", "session").await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_waits_for_a_shard_is_slow_because_of_that_node() {
    let (reach_as, proxies) = redis_behind_proxies().await;
    let (app, browser) = start_now(|config| {
        config.http.slow_ms = 400;
        // Each command to a node that hangs costs this; nothing else takes as long.
        config.redis.response_ms = 450;
        config.redis.nodes = reach_as.values().cloned().collect();
        config.redis.reach_as = reach_as;
    })
    .await;
    browser.get(&format!("/courses/v1/courses/{MATHS}")).await.expect(200);
    proxies.iter().for_each(FaultProxy::stall);
    browser.get(HOME).await.expect(200);
    assert_eq!(counted(&app, "dependency_slow", "redis:127.0.0.1:", "session").await, (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_loaded_or_stored_in_time_is_refused_because_of_postgresql() {
    let (app, browser) = start_now(|config| config.postgres.statement_ms = 200).await;
    let _course = hold(&app, "course").await;
    browser.get(HOME).await.expect_problem(503, "database_unavailable");
    assert_eq!(counted(&app, "dependency_slow", "postgres", "session").await, (1, 0));
    let _keys = hold(&app, "idempotency_key").await;
    let homework = json!({ "title": "A", "instructions": "", "due_on": "2026-09-10" });
    let request = browser.request(Method::POST, &format!("/courses/v1/courses/{MATHS}/homework"));
    let request = request.header("Idempotency-Key", "k").json(&homework);
    browser.send(request).await.expect_problem(503, "database_unavailable");
    assert_eq!(counted(&app, "dependency_slow", "postgres", "session").await, (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_known_devices_and_unknown_callers_are_counted_apart() {
    let clock = ManualClock::default();
    let once = Rate { per_second: 1, burst: 1 };
    let app = start(Arc::new(clock.clone()), |config| {
        config.http.rate_limits.account = once;
        config.http.rate_limits.address = once;
    })
    .await;
    let pupil = app.browser(Who::PUPIL);
    pupil.get(HOME).await.expect(200);
    pupil.get(HOME).await.expect(429);
    clock.advance(Duration::from_hours(2));
    pupil.get(HOME).await.expect_problem(401, "sign_in_required");
    pupil.get(HOME).await.expect(429);
    app.courses.client().get(HOME).await.expect(429);
    app.courses.client().with_token("forged".to_owned()).get(HOME).await.expect(429);
    for (caller, refusals) in [("session", 1), ("known_device", 1), ("unknown", 2)] {
        let is_counted = async || counted(&app, "rate", "", caller).await == (refusals, 0);
        eventually(caller, is_counted).await;
    }
}
