//! Settles what people see of auth while an engine is away, and that it recovers by itself.

use std::time::Duration;

use auth::Auth;
use serde_json::json;
use shared::clock::system_clock;
use shared::config::Profile;
use shared::redis;
use shared::testing::{Client, FaultProxy, Running, TestKeys, eventually, redis_behind_proxies};

use crate::app::{App, PASSWORD, claims, config, lose_record, sign_in};

const REFRESH: &str = "/auth/v1/sessions/refresh";

/// Auth whose way to PostgreSQL goes through a proxy, and where its Redis is.
pub async fn behind_proxy() -> (App, FaultProxy, redis::Config) {
    let app = App::start().await;
    let own = app.database.config();
    let proxy = FaultProxy::in_front_of(&format!("{}:{}", own.host, own.port)).await;
    let mut config = config(&app.database, &app.keys, json!({}));
    config.postgres.port = proxy.address().port();
    let redis = config.redis.clone();
    let auth = Running::start(config, system_clock());
    (App { auth, ..app }, proxy, redis)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgresql_sign_in_says_so_refresh_gives_a_degraded_token_and_both_recover() {
    let (app, proxy, _) = behind_proxy().await;
    let browser = app.signed_in("zoe.martin").await;
    proxy.break_connections();
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect_problem(503, "database_unavailable");
    browser.post(REFRESH, &json!({})).await.expect(200);
    assert_eq!(claims(&browser)["deg"], true);
    browser.get("/auth/v1/me").await.expect_problem(503, "database_unavailable");
    app.auth.client().get("/readyz").await.expect(200);
    let status = app.auth.internal_client().get("/statusz").await.expect(200);
    assert_eq!(status.body["postgres"]["reachable"], false);
    proxy.restore();
    eventually("sign-in works again", async || {
        sign_in(&app.browser(), "zoe.martin", PASSWORD).await.status == 201
    })
    .await;
    browser.post(REFRESH, &json!({})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_refresh_is_counted_as_a_session_and_a_refused_sign_in_as_unknown() {
    let (app, proxy, redis) = behind_proxy().await;
    let browser = app.signed_in("zoe.martin").await;
    // Without record and without database nobody can say whether the session goes on.
    lose_record(&redis, &browser).await;
    // Another instance has not seen the access token; the handle alone says whose request it is.
    browser.set_cookie("__Host-ent_at", "gone".to_owned());
    proxy.break_connections();
    browser.post(REFRESH, &json!({})).await.expect_problem(503, "database_unavailable");
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect_problem(503, "database_unavailable");
    let status = app.auth.internal_client().get("/statusz").await.expect(200);
    let rows = status.body["refusals_and_slow_answers"].as_array().unwrap();
    let callers: Vec<_> = rows.iter().map(|row| (&row["cause"], &row["part"], &row["caller"])).collect();
    let expected = [json!("session"), json!("unknown")];
    let (cause, part) = (json!("dependency_down"), json!("postgres"));
    assert_eq!(callers, expected.iter().map(|caller| (&cause, &part, caller)).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_hangs_is_given_up_within_the_deadline() {
    let (app, proxy, _) = behind_proxy().await;
    app.signed_in("zoe.martin").await;
    proxy.stall();
    let browser = app.browser();
    let answer = tokio::time::timeout(Duration::from_secs(8), sign_in(&browser, "zoe.martin", PASSWORD));
    answer.await.expect("an answer within the request's limit").expect_problem(503, "database_unavailable");
    proxy.restore();
    eventually("sign-in works again", async || {
        sign_in(&app.browser(), "zoe.martin", PASSWORD).await.status == 201
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_nobody_is_signed_out_and_sign_in_says_so_and_recovers() {
    let app = App::start().await;
    let (reach_as, proxies) = redis_behind_proxies().await;
    let mut config = config(&app.database, &app.keys, json!({}));
    config.redis.nodes = reach_as.values().cloned().collect();
    config.redis.reach_as = reach_as;
    let app = App { auth: Running::start(config, system_clock()), ..app };
    let browser = app.signed_in("zoe.martin").await;
    proxies.iter().for_each(FaultProxy::break_connections);
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect_problem(503, "session_store_unavailable");
    browser.post(REFRESH, &json!({})).await.expect(200);
    browser.get("/auth/v1/me").await.expect(200);
    app.auth.client().get("/readyz").await.expect(200);
    proxies.iter().for_each(FaultProxy::restore);
    eventually("refresh works again", async || browser.post(REFRESH, &json!({})).await.status == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_one_shard_its_sessions_get_degraded_tokens_and_everybody_else_notices_nothing() {
    let app = App::start().await;
    let (reach_as, proxies) = redis_behind_proxies().await;
    let mut config = config(&app.database, &app.keys, json!({}));
    config.redis.nodes = reach_as.values().cloned().collect();
    config.redis.reach_as = reach_as;
    let app = App { auth: Running::start(config, system_clock()), ..app };
    let mut browsers = Vec::new();
    for _ in 0..9 {
        browsers.push(app.signed_in("zoe.martin").await);
    }
    let is_degraded = async |browser: &Client| {
        browser.post(REFRESH, &json!({})).await.expect(200);
        claims(browser)["deg"] == true
    };
    let mut degraded = 0;
    for proxy in &proxies {
        proxy.break_connections();
        for browser in &browsers {
            degraded += usize::from(is_degraded(browser).await);
        }
        sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect(201);
        proxy.restore();
        for browser in &browsers {
            eventually("the session is there again", async || !is_degraded(browser).await).await;
        }
    }
    assert_eq!(degraded, browsers.len(), "each by its own shard alone, and nobody by a replica");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_waits_for_postgresql_and_goes_on_when_it_answers() {
    let app = App::start().await;
    let own = app.database.config();
    let proxy = FaultProxy::in_front_of(&format!("{}:{}", own.host, own.port)).await;
    proxy.break_connections();
    let mut config = config(&app.database, &app.keys, json!({}));
    config.postgres.port = proxy.address().port();
    let starting = tokio::task::spawn_blocking(move || Running::<Auth>::try_start(config, system_clock()));
    eventually("it tries again and again", async || proxy.attempts() >= 2).await;
    assert!(!starting.is_finished());
    proxy.restore();
    let auth = starting.await.unwrap().unwrap_or_else(|error| panic!("{error}"));
    sign_in(&auth.client(), "zoe.martin", PASSWORD).await.expect(201);
    tokio::task::spawn_blocking(move || drop(auth)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn demo_keys_and_demo_accounts_are_refused_where_real_people_are() {
    let app = App::start().await;
    let production = |keys: &TestKeys| {
        let mut config = config(&app.database, keys, json!({}));
        config.profile = Profile::Production;
        config
    };
    let refusal = |keys: &TestKeys| {
        Running::<Auth>::try_start(production(keys), system_clock()).err().unwrap_or_default()
    };
    assert!(refusal(&app.keys).contains("demo key"), "{}", refusal(&app.keys));
    let real = TestKeys::generate_as("real");
    assert!(refusal(&real).contains("not encrypted"), "{}", refusal(&real));
    let database = app.database.connect().await;
    database.batch_execute("update account set totp_secret = null").await.unwrap();
    assert_eq!(refusal(&real), "", "without demo accounts it starts");
    database.batch_execute("update account set is_demo = true where login = 'zoe.martin'").await.unwrap();
    assert!(refusal(&real).contains("demo accounts"), "{}", refusal(&real));
}
