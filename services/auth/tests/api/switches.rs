//! Settles what switches do in a surge: who stays out and reads until when, whose sessions end, and that every switch ends by itself.

use std::time::Duration;

use auth::Auth;
use reqwest::Method;
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::testing::{Answer, Client, FaultProxy, ManualClock, Running, eventually, redis_behind_proxies};

use crate::admin::{self, SCHOOL, kept, of_school};
use crate::app::{App, PASSWORD, config, sign_in};

const REFRESH: &str = "/auth/v1/sessions/refresh";

/// The body of a switch that ends so many minutes from now.
fn switch(clock: &ManualClock, effect: &Value, minutes: i64) -> Value {
    let ends_at = clock.utc() + chrono::TimeDelta::minutes(minutes);
    json!({ "effect": effect, "ends_at": ends_at, "authority": "Principal" })
}

fn closed_to(role: &str) -> Value {
    json!({ "kind": "sign_in_closed", "role": role })
}

async fn open(admin: &Client, body: &Value) -> Answer {
    admin.post(&of_school("switches"), body).await
}

async fn guardian(app: &App) -> Answer {
    sign_in(&app.browser(), "anne.martin", PASSWORD).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stays_out_reads_until_when_and_comes_in_when_the_switch_ends_by_itself() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    open(&admin, &switch(&clock, &closed_to("Guardian"), 90)).await.expect(201);
    let refused = guardian(&app).await;
    assert_eq!(refused.body["until"], "2026-09-01T07:30:00Z");
    let retry_after: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((5_400..=5_461).contains(&retry_after), "{retry_after}");
    refused.expect_problem(403, "sign_in_closed");
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect(201);
    clock.advance(Duration::from_mins(89));
    guardian(&app).await.expect_problem(403, "sign_in_closed");
    clock.advance(Duration::from_mins(1));
    guardian(&app).await.expect(201);
    assert_eq!(kept(&app, "switch_opened").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_sign_in_tells_nobody_which_accounts_exist() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    let device = app.signed_in("anne.martin").await;
    open(&admin, &switch(&clock, &closed_to("Guardian"), 90)).await.expect(201);
    let wrong = sign_in(&app.browser(), "anne.martin", "wrong").await;
    let nobody = sign_in(&app.browser(), "nobody.here", "wrong").await;
    assert_eq!((wrong.status, &wrong.body), (nobody.status, &nobody.body));
    // A device that has signed in as her knows that she exists, and is told before any password is hashed.
    sign_in(&device, "anne.martin", "wrong").await.expect_problem(403, "sign_in_closed");
    sign_in(&device, "zoe.martin", "wrong").await.expect_problem(401, "invalid_credentials");
    device.get("/auth/v1/me").await.expect(200);
    device.post(REFRESH, &json!({})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_is_listed_ended_early_and_kept() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    let id = open(&admin, &switch(&clock, &closed_to("Guardian"), 90)).await.expect(201).body["id"].clone();
    let listed = admin.get(&of_school("switches")).await.expect(200).body;
    assert_eq!(
        listed,
        json!({ "switches": [{
            "id": id, "kind": "sign_in_closed", "is_of_all_schools": false, "role": "Guardian",
            "starts_at": "2026-09-01T06:00:00Z", "ends_at": "2026-09-01T07:30:00Z", "authority": "Principal",
        }] })
    );
    let end = of_school(&format!("switches/{}/end", id.as_str().unwrap()));
    admin.post(&end, &json!({ "authority": "Principal" })).await.expect(204);
    guardian(&app).await.expect(201);
    admin.post(&end, &json!({ "authority": "Principal" })).await.expect_problem(404, "switch_not_found");
    assert_eq!(admin.get(&of_school("switches")).await.expect(200).body, json!({ "switches": [] }));
    assert_eq!((kept(&app, "switch_opened").await, kept(&app, "switch_ended").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_cannot_be_changes_nothing() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    let mut endless = switch(&clock, &closed_to("Guardian"), 90);
    endless.as_object_mut().unwrap().remove("ends_at");
    open(&admin, &endless).await.expect_problem(400, "malformed_body");
    for (effect, minutes) in [
        (closed_to("Guardian"), 0),
        (closed_to("Guardian"), 7 * 24 * 60 + 1),
        (closed_to("LocalAdmin"), 90),
        (json!({ "kind": "idle_limit", "idle_s": 600 }), 90),
    ] {
        open(&admin, &switch(&clock, &effect, minutes)).await.expect_problem(422, "invalid_body");
    }
    let weights = json!({ "kind": "lane_weights", "staff": 9.0 });
    open(&admin, &switch(&clock, &weights, 90)).await.expect_problem(400, "malformed_body");
    assert_eq!(kept(&app, "switch_opened").await, 0);
    for _ in 0..20 {
        open(&admin, &switch(&clock, &closed_to("Staff"), 90)).await.expect(201);
    }
    open(&admin, &switch(&clock, &closed_to("Staff"), 90)).await.expect_problem(409, "too_many_switches");
    clock.advance(Duration::from_mins(90));
    let admin = admin::sign_in(&app, &clock).await;
    admin::heard(&admin).await;
    open(&admin, &switch(&clock, &closed_to("Staff"), 90)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_sessions_end_sooner_also_those_that_rest_already_and_only_while_the_switch_holds() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    let (resting, active, later) = (
        app.signed_in("anne.martin").await,
        app.signed_in("anne.martin").await,
        app.signed_in("anne.martin").await,
    );
    let pupil = app.signed_in("zoe.martin").await;
    clock.advance(Duration::from_mins(12));
    active.post(REFRESH, &json!({})).await.expect(200);
    let limit = json!({ "kind": "idle_limit", "idle_s": 1_200, "role": "Guardian" });
    admin.post(REFRESH, &json!({})).await.expect(200);
    admin::heard(&admin).await;
    open(&admin, &switch(&clock, &limit, 15)).await.expect(201);
    clock.advance(Duration::from_mins(9));
    resting.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
    active.post(REFRESH, &json!({})).await.expect(200);
    pupil.post(REFRESH, &json!({})).await.expect(200);
    clock.advance(Duration::from_mins(10));
    later.post(REFRESH, &json!({})).await.expect(200);
    resting.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
}

/// Two instances on the same engines; the second reaches PostgreSQL and Redis through proxies.
async fn two_instances(clock: &ManualClock) -> (App, Client, Running<Auth>, FaultProxy, Vec<FaultProxy>) {
    let (app, admin) = admin::start(clock).await;
    let own = app.database.config();
    let postgres = FaultProxy::in_front_of(&format!("{}:{}", own.host, own.port)).await;
    let (reach_as, redis) = redis_behind_proxies().await;
    let mut config = config(&app.database, &app.keys, json!({}));
    config.postgres.port = postgres.address().port();
    config.redis.nodes = reach_as.values().cloned().collect();
    config.redis.reach_as = reach_as;
    let other = Running::start(config, std::sync::Arc::new(clock.clone()));
    (app, admin, other, postgres, redis)
}

async fn count_of(other: &Running<Auth>) -> Value {
    other.internal_client().get("/statusz").await.expect(200).body["switches"]["not_over"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_instance_hears_of_a_switch_without_redis_and_keeps_it_without_postgresql_until_its_end() {
    let clock = ManualClock::default();
    let (app, admin, other, postgres, redis) = Box::pin(two_instances(&clock)).await;
    redis.iter().for_each(FaultProxy::break_connections);
    open(&admin, &switch(&clock, &closed_to("Guardian"), 90)).await.expect(201);
    eventually("the other instance has heard", async || count_of(&other).await == 1).await;
    let guardian = async || sign_in(&other.client(), "anne.martin", PASSWORD).await;
    guardian().await.expect_problem(403, "sign_in_closed");
    redis.iter().for_each(FaultProxy::restore);
    postgres.break_connections();
    let status = async || other.internal_client().get("/statusz").await.body["switches"].clone();
    eventually("the database cannot be read", async || status().await["is_stale"] == true).await;
    assert_eq!(count_of(&other).await, 1, "the last good copy");
    clock.advance(Duration::from_mins(90));
    postgres.restore();
    eventually("it is over, by the clock", async || guardian().await.status == 201).await;
    drop(app);
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_reads_on_the_page_to_whom_sign_in_is_closed_in_all_schools() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    open(&admin, &switch(&clock, &closed_to("Student"), 90)).await.expect(201);
    let insert = format!(
        "insert into switch (id, kind, role, starts_at, ends_at, authority)
         values (gen_random_uuid(), 'sign_in_closed', 'Guardian', '{0}', '{0}'::timestamptz + interval '90 min', 'Rectorat')",
        clock.utc()
    );
    app.database.connect().await.batch_execute(&insert).await.unwrap();
    let room = async || app.browser().get("/auth/v1/waiting-room").await.expect(200).body;
    eventually("the switch is heard of", async || room().await.get("closed").is_some()).await;
    let told = room().await;
    assert_eq!(
        told["closed"],
        json!([{ "role": "Guardian", "until": "2026-09-01T07:30:00Z" }]),
        "{SCHOOL}: its own"
    );
    let browser = app.browser();
    let request = browser.request(Method::GET, "/auth/v1/waiting-room").header("accept", "text/html");
    let page = request.header("accept-language", "fr").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("fermée aux familles jusqu’au 1 septembre à 9 h 30 (heure de Paris)"), "{page}");
}
