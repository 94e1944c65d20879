//! Settles that nobody is signed out by an engine that is away or has forgotten, that nobody who was signed out comes back, and what such tokens are good for.

use std::sync::Arc;
use std::time::Duration;

use auth::Auth;
use serde_json::json;
use shared::redis;
use shared::session::REFRESH_COOKIE;
use shared::testing::{Client, FaultProxy, ManualClock, Running, eventually, redis_behind_proxies};

use crate::app::{App, claims, config, copied, lose_record};

const REFRESH: &str = "/auth/v1/sessions/refresh";
const CURRENT: &str = "/auth/v1/sessions/current";
const REVOKE_ZOE: &str = "with counter as (update revocation_epoch set last = last + 1 returning last),
    raised as (update account set epoch = last from counter where login = 'zoe.martin' returning person_id, epoch)
    insert into revocation (epoch, person_id, revoked_at) select epoch, person_id, '2026-09-01T06:00:00Z' from raised";

/// An auth whose engines can be taken away, by the time of `clock`.
struct Apart {
    app: App,
    postgres: FaultProxy,
    shards: Vec<FaultProxy>,
    redis: redis::Config,
}

impl Apart {
    async fn start(clock: &ManualClock) -> Self {
        let app = App::start().await;
        let own = app.database.config();
        let postgres = FaultProxy::in_front_of(&format!("{}:{}", own.host, own.port)).await;
        let (reach_as, shards) = redis_behind_proxies().await;
        let mut config = config(&app.database, &app.keys, json!({}));
        let redis = config.redis.clone();
        config.postgres.port = postgres.address().port();
        config.redis.nodes = reach_as.values().cloned().collect();
        config.redis.reach_as = reach_as;
        let auth = Running::<Auth>::start(config, Arc::new(clock.clone()));
        Self { app: App { auth, ..app }, postgres, shards, redis }
    }

    fn lose_redis(&self) {
        self.shards.iter().for_each(FaultProxy::break_connections);
    }

    fn restore(&self) {
        self.shards.iter().for_each(FaultProxy::restore);
        self.postgres.restore();
    }
}

/// A refresh that gives a degraded token, and the same handle again.
async fn refresh_degraded(browser: &Client) {
    let handle = browser.cookie(REFRESH_COOKIE);
    let answer = browser.post(REFRESH, &json!({})).await.expect(200);
    let lifetime_s = answer.body["expires_in_s"].as_u64().unwrap();
    assert!((270..=330).contains(&lifetime_s), "{answer:?}");
    assert_eq!(claims(browser)["deg"], true);
    assert_eq!(claims(browser)["mem"][0]["role"], "Student");
    assert_eq!(browser.cookie(REFRESH_COOKIE), handle, "nothing rotates");
}

async fn refresh_in_full(browser: &Client) {
    eventually("a refresh is full again", async || {
        browser.post(REFRESH, &json!({})).await.expect(200);
        claims(browser)["deg"] == false
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_is_stopped_for_30_s_signs_nobody_out() {
    let clock = ManualClock::default();
    let apart = Apart::start(&clock).await;
    let browser = apart.app.signed_in("zoe.martin").await;
    // Near its expiry, so that the outage falls into its refresh.
    clock.advance(Duration::from_mins(8));
    apart.postgres.break_connections();
    for _ in 0..6 {
        clock.advance(Duration::from_secs(5));
        refresh_degraded(&browser).await;
    }
    clock.advance(Duration::from_mins(4));
    refresh_degraded(&browser).await;
    apart.restore();
    refresh_in_full(&browser).await;
    browser.get("/auth/v1/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_its_shard_is_away_a_session_goes_on_by_its_copy_and_an_ended_one_does_not() {
    let clock = ManualClock::default();
    let apart = Apart::start(&clock).await;
    let (browser, ended) = (apart.app.signed_in("zoe.martin").await, apart.app.signed_in("zoe.martin").await);
    let holding = |handle: String| {
        let thief = apart.app.browser();
        thief.set_cookie(REFRESH_COOKIE, handle);
        thief
    };
    let thief = holding(browser.cookie(REFRESH_COOKIE).unwrap());
    let again = holding(ended.cookie(REFRESH_COOKIE).unwrap());
    browser.post(REFRESH, &json!({})).await.expect(200);
    copied(&apart.app, &browser, 1).await;
    ended.delete(CURRENT).await.expect(204);
    let database = apart.app.database.connect().await;
    eventually("the end has its copy", async || {
        !database.query("select 1 from session where is_ended", &[]).await.unwrap().is_empty()
    })
    .await;
    apart.lose_redis();
    refresh_degraded(&browser).await;
    again.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
    clock.advance(Duration::from_secs(61));
    thief.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
    refresh_degraded(&browser).await;
    apart.restore();
    refresh_in_full(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_both_engines_away_the_handle_is_enough_unless_it_is_known_to_be_revoked() {
    let clock = ManualClock::default();
    let apart = Apart::start(&clock).await;
    let revoked = apart.app.signed_in("zoe.martin").await;
    apart.app.database.connect().await.batch_execute(REVOKE_ZOE).await.unwrap();
    eventually("the revocation is known", async || {
        revoked.get("/auth/v1/me").await.code() == "session_revoked"
    })
    .await;
    let browser = apart.app.signed_in("zoe.martin").await;
    apart.postgres.break_connections();
    apart.lose_redis();
    refresh_degraded(&browser).await;
    revoked.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
    apart.restore();
    refresh_in_full(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_a_failover_lost_is_restored_from_its_copy() {
    let clock = ManualClock::default();
    let apart = Apart::start(&clock).await;
    let browser = apart.app.signed_in("zoe.martin").await;
    let stolen = browser.cookie(REFRESH_COOKIE).unwrap();
    browser.post(REFRESH, &json!({})).await.expect(200);
    copied(&apart.app, &browser, 1).await;
    lose_record(&apart.redis, &browser).await;
    clock.advance(Duration::from_secs(61));
    browser.post(REFRESH, &json!({})).await.expect(200);
    assert_eq!(claims(&browser)["deg"], false);
    copied(&apart.app, &browser, 2).await;
    lose_record(&apart.redis, &browser).await;
    let thief = apart.app.browser();
    thief.set_cookie(REFRESH_COOKIE, stolen);
    thief.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
    browser.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_session_is_not_taken_for_a_lost_one() {
    let clock = ManualClock::default();
    let apart = Apart::start(&clock).await;
    let browser = apart.app.signed_in("zoe.martin").await;
    copied(&apart.app, &browser, 0).await;
    lose_record(&apart.redis, &browser).await;
    clock.advance(Duration::from_hours(2));
    browser.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_holds_while_the_session_store_is_away_and_after_it_is_back() {
    let clock = ManualClock::default();
    let apart = Apart::start(&clock).await;
    let browser = apart.app.signed_in("zoe.martin").await;
    let copy = apart.app.browser();
    copy.set_cookie(REFRESH_COOKIE, browser.cookie(REFRESH_COOKIE).unwrap());
    apart.lose_redis();
    browser.delete(CURRENT).await.expect(204);
    copy.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
    // Another instance reaches the record, which knows nothing of the end.
    let mut beside = config(&apart.app.database, &apart.app.keys, json!({}));
    beside.redis = apart.redis.clone();
    let beside = Running::<Auth>::start(beside, Arc::new(clock.clone()));
    let elsewhere = beside.client();
    elsewhere.set_cookie(REFRESH_COOKIE, copy.cookie(REFRESH_COOKIE).unwrap());
    elsewhere.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_does_not_come_back_while_its_copy_has_not_heard_of_it() {
    let clock = ManualClock::default();
    let apart = Apart::start(&clock).await;
    let browser = apart.app.signed_in("zoe.martin").await;
    let copy = apart.app.browser();
    copy.set_cookie(REFRESH_COOKIE, browser.cookie(REFRESH_COOKIE).unwrap());
    copied(&apart.app, &browser, 0).await;
    browser.delete(CURRENT).await.expect(204);
    let database = apart.app.database.connect().await;
    eventually("the end is unheard of", async || {
        database.execute("update session set is_ended = false where is_ended", &[]).await.unwrap() == 1
    })
    .await;
    copy.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
}
