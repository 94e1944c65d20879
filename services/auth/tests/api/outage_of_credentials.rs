//! Settles what becomes of codes, authenticators and containments while an engine is away: nothing is lost, nothing is done twice, nothing opens.

use std::sync::Arc;
use std::time::Duration;

use auth::Auth;
use reqwest::Method;
use serde_json::{Value, json};
use shared::testing::{Answer, Client, FaultProxy, ManualClock, Running, eventually, redis_behind_proxies};
use uuid::Uuid;

use crate::app::{App, PASSWORD, TOTP_SECRET, config, one_time_code, sign_in};
use crate::containment::contain_at;

const SESSIONS: &str = "/auth/v1/sessions";
const RESETS: &str = "/auth/v1/password-resets";
const OFFERS: &str = "/auth/v1/authenticators";
const CONFIRMATION: &str = "/auth/v1/authenticators/confirmation";
const ZOE: Uuid = Uuid::from_u128(1);
const NEW: &str = "tiroir vif bleu";

/// An auth whose engines can be taken away, by the time of `clock`, with an administrator of the school signed in.
struct Apart {
    app: App,
    postgres: FaultProxy,
    shards: Vec<FaultProxy>,
    admin: Client,
}

impl Apart {
    async fn start(clock: &ManualClock) -> Self {
        Box::pin(Self::open(clock)).await
    }

    async fn open(clock: &ManualClock) -> Self {
        let app = App::start().await;
        let to_admin = "update membership set role = 'LocalAdmin'
                        where person_id = '00000000-0000-0000-0000-000000000002' and role = 'Teacher'";
        app.database.connect().await.batch_execute(to_admin).await.unwrap();
        let own = app.database.config();
        let postgres = FaultProxy::in_front_of(&format!("{}:{}", own.host, own.port)).await;
        let (reach_as, shards) = redis_behind_proxies().await;
        let mut config = config(&app.database, &app.keys, json!({}));
        config.postgres.port = postgres.address().port();
        config.redis.nodes = reach_as.values().cloned().collect();
        config.redis.reach_as = reach_as;
        let auth = Running::<Auth>::start(config, Arc::new(clock.clone()));
        let app = App { auth, ..app };
        let admin = app.browser();
        admin.post(SESSIONS, &head(clock)).await.expect(201);
        Self { app, postgres, shards, admin }
    }

    async fn print(&self) -> Answer {
        self.admin
            .post(
                &format!("/auth/v1/people/{ZOE}/codes"),
                &json!({ "purpose": "reset", "authority": "Principal" }),
            )
            .await
    }

    fn lose_redis(&self) {
        self.shards.iter().for_each(FaultProxy::break_connections);
    }

    fn restore_redis(&self) {
        self.shards.iter().for_each(FaultProxy::restore);
    }
}

fn head(clock: &ManualClock) -> Value {
    json!({ "login": "paul.durand", "password": PASSWORD, "totp_code": one_time_code(TOTP_SECRET, clock) })
}

async fn offer(browser: &Client) -> String {
    let offered = browser.send(browser.request(Method::POST, OFFERS)).await.expect(201);
    offered.body["secret"].as_str().unwrap().to_owned()
}

async fn contain(apart: &Apart, clock: &ManualClock) -> Answer {
    contain_at(&apart.app, Arc::new(clock.clone()), (ZOE, "incident-1", "auth")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgresql_no_printed_code_is_used_up_and_none_is_printed() {
    let clock = ManualClock::default();
    let apart = Apart::start(&clock).await;
    let code = apart.print().await.expect(201).body["code"].as_str().unwrap().to_owned();
    let reset = json!({ "login": "zoe.martin", "code": code, "new_password": NEW });
    apart.postgres.break_connections();
    apart.app.browser().post(RESETS, &reset).await.expect_problem(503, "database_unavailable");
    apart.print().await.expect_problem(503, "database_unavailable");
    apart.postgres.restore();
    eventually("the code printed before is good", async || {
        apart.app.browser().post(RESETS, &reset).await.status == 204
    })
    .await;
    sign_in(&apart.app.browser(), "zoe.martin", NEW).await.expect(201);
    let sql = "select count(*) from account_code";
    assert_eq!(apart.app.database.connect().await.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgresql_no_authenticator_counts_no_recovery_code_is_used_up_and_nobody_steps_up() {
    let clock = ManualClock::default();
    let apart = Apart::start(&clock).await;
    let browser = apart.app.signed_in("zoe.martin").await;
    let secret = offer(&browser).await;
    let proof = json!({ "totp_code": one_time_code(&secret, &clock) });
    apart.postgres.break_connections();
    browser.post(CONFIRMATION, &proof).await.expect_problem(503, "database_unavailable");
    browser.send(browser.request(Method::POST, OFFERS)).await.expect_problem(503, "database_unavailable");
    apart.postgres.restore();
    let codes = std::cell::Cell::new(Value::Null);
    eventually("what was offered before is confirmed", async || {
        let answer = browser.post(CONFIRMATION, &proof).await;
        codes.set(answer.body["recovery_codes"].clone());
        answer.status == 201
    })
    .await;
    clock.advance(Duration::from_secs(30));
    let next = json!({ "totp_code": one_time_code(&secret, &clock) });
    let recovery = json!({ "login": "zoe.martin", "password": PASSWORD, "recovery_code": codes.take()[0] });
    eventually("sensitive acts are open", async || browser.post(CONFIRMATION, &next).await.status == 409)
        .await;
    apart.postgres.break_connections();
    apart.app.browser().post(SESSIONS, &recovery).await.expect_problem(503, "database_unavailable");
    browser.post("/auth/v1/sessions/step-up", &next).await.expect_problem(503, "database_unavailable");
    apart.postgres.restore();
    eventually("the recovery code is good", async || {
        apart.app.browser().post(SESSIONS, &recovery).await.status == 201
    })
    .await;
    browser.post("/auth/v1/sessions/step-up", &next).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_authenticators_are_enrolled_and_a_one_time_code_is_still_good_once() {
    let clock = ManualClock::default();
    let apart = Apart::start(&clock).await;
    let browser = apart.app.signed_in("zoe.martin").await;
    let printed = apart.print().await.expect(201).body["code"].clone();
    apart.lose_redis();
    let secret = offer(&browser).await;
    browser.post(CONFIRMATION, &json!({ "totp_code": one_time_code(&secret, &clock) })).await.expect(201);
    clock.advance(Duration::from_secs(30));
    let code = one_time_code(&secret, &clock);
    let body = json!({ "login": "zoe.martin", "password": PASSWORD, "totp_code": code });
    apart.app.browser().post(SESSIONS, &body).await.expect_problem(503, "session_store_unavailable");
    apart.app.browser().post(SESSIONS, &body).await.expect_problem(401, "totp_code_used");
    let reset = json!({ "login": "zoe.martin", "code": printed, "new_password": NEW });
    apart.app.browser().post(RESETS, &reset).await.expect(204);
    apart.restore_redis();
    clock.advance(Duration::from_secs(30));
    eventually("sign-in works again", async || {
        let code = one_time_code(&secret, &clock);
        clock.advance(Duration::from_secs(30));
        let body = json!({ "login": "zoe.martin", "password": NEW, "totp_code": code });
        apart.app.browser().post(SESSIONS, &body).await.status == 201
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_containment_that_postgresql_refused_is_done_once_when_it_is_asked_again() {
    let clock = ManualClock::default();
    let apart = Apart::start(&clock).await;
    let thief = apart.app.signed_in("zoe.martin").await;
    apart.postgres.break_connections();
    contain(&apart, &clock).await.expect(503);
    apart.postgres.restore();
    eventually("the same command is done", async || contain(&apart, &clock).await.status == 200).await;
    assert_eq!(contain(&apart, &clock).await.expect(200).body["epoch"], 1);
    eventually("the thief is out", async || thief.get("/auth/v1/me").await.status == 401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_a_containment_signs_out_all_the_same() {
    let clock = ManualClock::default();
    let apart = Apart::start(&clock).await;
    let thief = apart.app.signed_in("zoe.martin").await;
    apart.lose_redis();
    contain(&apart, &clock).await.expect(200);
    thief.post("/auth/v1/sessions/refresh", &json!({})).await.expect_problem(401, "session_over");
    eventually("the thief is out", async || thief.get("/auth/v1/me").await.code() == "session_revoked").await;
    sign_in(&apart.app.browser(), "zoe.martin", PASSWORD).await.expect_problem(401, "invalid_credentials");
}
