//! Settles that a part of the kit which is switched off is gone for people too: what its proof shows does not hold without it.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;
use shared::ablation::{Ablation, Part};
use shared::resilience::rate_limit::Rate;
use shared::testing::{FaultProxy, ManualClock, Running};

use crate::app::{App, MATHS, Who, config};

const HOME: &str = "/courses/v1/home";

/// Courses without a part, behind a proxy on its way to PostgreSQL, where an account may ask three times a second.
async fn without(part: Option<Part>) -> (App, FaultProxy) {
    let app = App::start().await;
    let own = app.database.config();
    let proxy = FaultProxy::in_front_of(&format!("{}:{}", own.host, own.port)).await;
    let mut config = config(&app.database, &app.keys, "http://127.0.0.1:9");
    config.postgres.port = proxy.address().port();
    config.http.rate_limits.account = Rate { per_second: 1, burst: 3 };
    config.ablate = part.map_or(Ablation::default(), |part| Ablation::default().without(part));
    (App { courses: Running::start(config, Arc::new(ManualClock::default())), ..app }, proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_cache_an_outage_of_postgresql_is_seen_at_once() {
    for (part, status) in [(None, 200), (Some(Part::Cache), 503)] {
        let (app, proxy) = without(part).await;
        let pupil = app.browser(Who::PUPIL);
        pupil.get(HOME).await.expect(200);
        proxy.break_connections();
        pupil.get(HOME).await.expect(status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_idempotency_a_repeated_request_is_carried_out_again() {
    for (part, given) in [(None, 1), (Some(Part::Idempotency), 2)] {
        let (app, _proxy) = without(part).await;
        let teacher = app.browser(Who::TEACHER);
        let address = format!("/courses/v1/courses/{MATHS}/homework");
        let body = json!({ "title": "A", "instructions": "", "due_on": "2026-09-10" });
        for _ in 0..2 {
            let request = teacher.request(Method::POST, &address).header("Idempotency-Key", "k").json(&body);
            teacher.send(request).await.expect(201);
        }
        let sql = "select count(*) from homework where title = 'A'";
        let count: i64 = app.database.connect().await.query_one(sql, &[]).await.unwrap().get(0);
        assert_eq!(count, given, "{part:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rate_limits_an_account_in_a_loop_is_never_refused() {
    for (part, last) in [(None, 429), (Some(Part::RateLimits), 200)] {
        let (app, _proxy) = without(part).await;
        let pupil = app.browser(Who::PUPIL);
        for _ in 0..3 {
            pupil.get(HOME).await.expect(200);
        }
        pupil.get(HOME).await.expect(last);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_deadlines_whoever_asks_too_late_is_served_all_the_same() {
    for (part, status) in [(None, 503), (Some(Part::Deadlines), 200)] {
        let (app, _proxy) = without(part).await;
        let pupil = app.browser(Who::PUPIL);
        pupil.get(HOME).await.expect(200);
        let late = pupil.request(Method::GET, HOME).header("x-ent-timeout-ms", "2");
        pupil.send(late).await.expect(status);
    }
}
