//! Settles what people see of courses while a dependency is away, and that it recovers by itself.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use shared::pg::Endpoint;
use shared::testing::{FaultProxy, ManualClock, Running, eventually, redis_behind_proxies};

use crate::app::{App, FRENCH, MATHS, Who, config};

const HOME: &str = "/courses/v1/home";

/// Courses whose way to PostgreSQL goes through a proxy.
pub async fn behind_proxy(clock: &ManualClock) -> (App, FaultProxy) {
    let app = App::start().await;
    let own = app.database.config();
    let proxy = FaultProxy::in_front_of(&format!("{}:{}", own.host, own.port)).await;
    let mut config = config(&app.database, &app.keys, "http://127.0.0.1:9");
    config.postgres.port = proxy.address().port();
    (App { courses: Running::start(config, Arc::new(clock.clone())), ..app }, proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgresql_what_was_read_stays_readable_with_its_age_and_the_rest_says_so() {
    let clock = ManualClock::default();
    let (app, proxy) = behind_proxy(&clock).await;
    let (pupil, guardian) = (app.browser(Who::PUPIL), app.browser(Who::GUARDIAN));
    pupil.get(HOME).await.expect(200);
    proxy.break_connections();
    pupil.get(HOME).await.expect(200);
    guardian.get(HOME).await.expect_problem(503, "database_unavailable");
    pupil.get(&format!("/courses/v1/courses/{FRENCH}")).await.expect_problem(503, "database_unavailable");
    app.courses.client().get("/readyz").await.expect(200);
    clock.advance(Duration::from_mins(9));
    let stale = pupil.get(HOME).await.expect(200);
    assert_eq!(stale.body["stale_for_s"], 540);
    proxy.restore();
    eventually("the guardian's home is there", async || guardian.get(HOME).await.status == 200).await;
    eventually("the pupil's home is current", async || {
        pupil.get(HOME).await.expect(200).body.get("stale_for_s").is_none()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_hangs_is_given_up_within_the_deadline_and_recovers() {
    let (app, proxy) = behind_proxy(&ManualClock::default()).await;
    proxy.stall();
    let pupil = app.browser(Who::PUPIL);
    pupil.get(&format!("/courses/v1/courses/{MATHS}")).await.expect_problem(503, "database_unavailable");
    proxy.restore();
    eventually("home is there", async || pupil.get(HOME).await.status == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_replica_what_was_read_stays_readable_and_homework_is_given() {
    let app = App::start().await;
    let own = app.database.config();
    let proxy = FaultProxy::in_front_of(&format!("{}:{}", own.host, own.port)).await;
    let mut config = config(&app.database, &app.keys, "http://127.0.0.1:9");
    config.postgres.replica =
        Some(Endpoint { host: proxy.address().ip().to_string(), port: proxy.address().port() });
    let app = App { courses: Running::start(config, Arc::new(ManualClock::default())), ..app };
    let (teacher, guardian) = (app.browser(Who::TEACHER), app.browser(Who::GUARDIAN));
    let page = format!("/courses/v1/courses/{MATHS}");
    teacher.get(&page).await.expect(200);
    proxy.break_connections();
    teacher.get(&page).await.expect(200);
    guardian.get(HOME).await.expect_problem(503, "database_unavailable");
    let homework = json!({ "title": "A", "instructions": "", "due_on": "2026-09-10" });
    teacher.post(&format!("{page}/homework"), &homework).await.expect(201);
    proxy.restore();
    eventually("the guardian's home is there", async || guardian.get(HOME).await.status == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_and_without_auth_people_notice_nothing() {
    let app = App::start().await;
    let (reach_as, proxies) = redis_behind_proxies().await;
    let mut config = config(&app.database, &app.keys, "http://127.0.0.1:9");
    config.redis.nodes = reach_as.values().cloned().collect();
    config.redis.reach_as = reach_as;
    let app = App { courses: Running::start(config, Arc::new(ManualClock::default())), ..app };
    proxies.iter().for_each(FaultProxy::break_connections);
    app.browser(Who::PUPIL).get(HOME).await.expect(200);
    let status = app.courses.internal_client().get("/statusz").await.expect(200);
    assert_eq!(status.body["redis"]["reachable"], false);
    assert_eq!(status.body["projections"]["auth"]["failing"], true);
}
