//! Settles what people see of courses while a dependency is away, and that it recovers by itself.

use std::sync::Arc;

use shared::testing::{FaultProxy, ManualClock, Running, eventually, redis_behind_proxies};

use crate::app::{App, MATHS, Who, config};

const HOME: &str = "/courses/v1/home";

#[tokio::test(flavor = "multi_thread")]
async fn without_postgresql_it_says_so_stays_ready_and_recovers() {
    let app = App::start().await;
    let own = app.database.config();
    let proxy = FaultProxy::in_front_of(&format!("{}:{}", own.host, own.port)).await;
    let mut config = config(&app.database, &app.keys, "http://127.0.0.1:9");
    config.postgres.port = proxy.address().port();
    let app = App { courses: Running::start(config, Arc::new(ManualClock::default())), ..app };
    let pupil = app.browser(Who::PUPIL);
    pupil.get(HOME).await.expect(200);
    proxy.break_connections();
    pupil.get(HOME).await.expect_problem(503, "database_unavailable");
    pupil.get(&format!("/courses/v1/courses/{MATHS}")).await.expect_problem(503, "database_unavailable");
    app.courses.client().get("/readyz").await.expect(200);
    proxy.restore();
    eventually("home is back", async || pupil.get(HOME).await.status == 200).await;
    proxy.stall();
    pupil.get(HOME).await.expect_problem(503, "database_unavailable");
    proxy.restore();
    eventually("home is back", async || pupil.get(HOME).await.status == 200).await;
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
