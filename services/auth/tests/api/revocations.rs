//! Settles that what was revoked is refused by every instance, with Redis or without, and kept in an order that misses nothing.

use auth::Auth;
use reqwest::Method;
use serde_json::{Value, json};
use shared::clock::system_clock;
use shared::config::Profile;
use shared::service_token::{Config as IdentityConfig, Identity};
use shared::session::ACCESS_COOKIE;
use shared::testing::{Answer, Client, FaultProxy, Running, eventually, redis_behind_proxies};
use uuid::Uuid;

use crate::app::{App, PASSWORD, config, sign_in};

const ME: &str = "/auth/v1/me";
const REFRESH: &str = "/auth/v1/sessions/refresh";
const REVOCATIONS: &str = "/internal/v1/revocations";
const ZOE: Uuid = Uuid::from_u128(1);
const SCHOOL: Uuid = Uuid::from_u128(0xa1);

fn token(app: &App) -> String {
    let config: IdentityConfig = serde_json::from_value(app.keys.identity("messaging")).unwrap();
    Identity::open(&config, "messaging", Profile::Test, system_clock()).unwrap().token_for("auth").unwrap()
}

async fn revoke(app: &App, body: Value) -> Answer {
    let client = app.auth.internal_client();
    let request = client.request(Method::POST, REVOCATIONS).bearer_auth(token(app)).json(&body);
    client.send(request).await
}

async fn page(app: &App, after: i64) -> Answer {
    let client = app.auth.internal_client();
    let request = client.request(Method::GET, &format!("{REVOCATIONS}?after={after}"));
    client.send(request.bearer_auth(token(app))).await
}

fn of_account(person: Uuid) -> Value {
    json!({ "people": [person], "reason": "test" })
}

async fn is_refused(browser: &Client) -> bool {
    let answer = browser.get(ME).await;
    assert!(answer.status == 200 || answer.code() == "session_revoked", "{answer:?}");
    answer.status == 401
}

/// Another instance of auth on the same engines, and the one behind `config` as well.
async fn two_instances() -> (App, Running<Auth>) {
    let app = App::start().await;
    let config = config(&app.database, &app.keys, json!({}));
    let app = App { auth: Running::start(config.clone(), system_clock()), ..app };
    (app, Running::start(config, system_clock()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_account_is_refused_at_once_its_sessions_are_over_and_it_signs_in_anew() {
    let app = App::start().await;
    let (browser, other) = (app.signed_in("zoe.martin").await, app.signed_in("zoe.martin").await);
    browser.get(ME).await.expect(200);
    let revoked = revoke(&app, of_account(ZOE)).await.expect(201);
    assert_eq!(revoked.body, json!({ "count": 1, "epoch": 1 }));
    for browser in [&browser, &other] {
        browser.get(ME).await.expect_problem(401, "session_revoked");
        browser.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
    }
    let again = app.signed_in("zoe.martin").await;
    again.get(ME).await.expect(200);
    again.post(REFRESH, &json!({})).await.expect(200);
    again.get(ME).await.expect(200);
    assert_eq!(revoke(&app, of_account(Uuid::from_u128(404))).await.expect(201).body["count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_instance_hears_of_it_by_the_streams() {
    let (app, other) = two_instances().await;
    let browser = app.signed_in("zoe.martin").await;
    let elsewhere = other.client();
    elsewhere.set_cookie(ACCESS_COOKIE, browser.cookie(ACCESS_COOKIE).unwrap());
    elsewhere.get(ME).await.expect(200);
    revoke(&app, of_account(ZOE)).await.expect(201);
    eventually("the other instance refuses", async || is_refused(&elsewhere).await).await;
    let status = other.internal_client().get("/statusz").await.expect(200).body;
    assert_eq!(status["revocations"]["applied"], 1, "{status}");
    eventually("it is not behind", async || {
        let status = other.internal_client().get("/statusz").await.expect(200).body;
        status["revocations"]["lag_ms"].as_u64().is_some_and(|lag_ms| lag_ms < 5_000)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_instances_ask_the_database_and_refuse_all_the_same() {
    let app = App::start().await;
    let (reach_as, proxies) = redis_behind_proxies().await;
    let mut apart = config(&app.database, &app.keys, json!({}));
    apart.redis.nodes = reach_as.values().cloned().collect();
    apart.redis.reach_as = reach_as;
    let apart = Running::<Auth>::start(apart, system_clock());
    let browser = apart.client();
    sign_in(&browser, "zoe.martin", PASSWORD).await.expect(201);
    proxies.iter().for_each(FaultProxy::break_connections);
    revoke(&app, of_account(ZOE)).await.expect(201);
    eventually("the instance without Redis refuses", async || is_refused(&browser).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_and_a_school_end_sessions_and_a_membership_withdraws_tokens() {
    let app = App::start().await;
    let of_scope = |scope: Value| json!({ "scope": scope, "reason": "test", "authority": "Rectorat" });
    let browser = app.signed_in("zoe.martin").await;
    let other_role = json!({ "kind": "role", "school": SCHOOL, "role": "Teacher" });
    revoke(&app, of_scope(other_role)).await.expect(201);
    let membership = json!({ "kind": "membership", "school": SCHOOL, "person": ZOE, "role": "Student" });
    browser.get(ME).await.expect(200);
    revoke(&app, of_scope(membership)).await.expect(201);
    browser.get(ME).await.expect_problem(401, "session_revoked");
    browser.post(REFRESH, &json!({})).await.expect(200);
    browser.get(ME).await.expect(200);
    for scope in [
        json!({ "kind": "role", "school": SCHOOL, "role": "Student" }),
        json!({ "kind": "school", "school": SCHOOL }),
    ] {
        let browser = app.signed_in("zoe.martin").await;
        revoke(&app, of_scope(scope)).await.expect(201);
        browser.get(ME).await.expect_problem(401, "session_revoked");
        browser.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_kept_and_read_in_order_by_siblings_only() {
    let app = App::start().await;
    for person in [ZOE, Uuid::from_u128(2), ZOE] {
        revoke(&app, of_account(person)).await.expect(201);
    }
    let news = page(&app, 1).await.expect(200).body;
    let epochs: Vec<i64> =
        news["revocations"].as_array().unwrap().iter().map(|one| one["epoch"].as_i64().unwrap()).collect();
    assert_eq!((epochs, &news["published"]), (vec![2, 3], &json!(3)));
    page(&app, -1).await.expect_problem(400, "malformed_query");
    app.auth
        .internal_client()
        .get(&format!("{REVOCATIONS}?after=0"))
        .await
        .expect_problem(401, "service_token_required");
    for body in [
        json!({ "reason": "nobody" }),
        json!({ "people": [ZOE], "scope": { "kind": "school", "school": SCHOOL }, "reason": "both" }),
        json!({ "people": [ZOE], "reason": "" }),
    ] {
        revoke(&app, body).await.expect_problem(422, "invalid_body");
    }
    let database = app.database.connect().await;
    let sql = "select content::jsonb ->> 'subject', content::jsonb #>> '{details,of,by}' from audit_leaf
               where content::jsonb ->> 'act' = 'sessions_revoked' order by id";
    let kept = database.query(sql, &[]).await.unwrap();
    assert_eq!(kept.len(), 3);
    assert_eq!(kept[0].get::<_, String>(0), format!("account:{ZOE}"));
    assert_eq!(kept[0].get::<_, String>(1), "messaging");
}

#[tokio::test(flavor = "multi_thread")]
async fn revocations_that_commit_at_once_become_visible_in_the_order_of_their_epochs() {
    let app = App::start().await;
    let (first, second) = (app.database.connect().await, app.database.connect().await);
    let raise = "with counter as (update revocation_epoch set last = last + 1 returning last)
                 insert into revocation (epoch, sid, revoked_at) select last, gen_random_uuid(), now() from counter";
    first.batch_execute(&format!("begin; {raise}")).await.unwrap();
    let watching = async {
        eventually("the second waits for the first", async || {
            let sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
            let watcher = app.database.connect().await;
            watcher.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == 1
        })
        .await;
        assert_eq!(page(&app, 0).await.expect(200).body["published"], 0, "nothing to step over");
        first.batch_execute("commit").await
    };
    let (first, second) = tokio::join!(watching, second.batch_execute(raise));
    first.and(second).unwrap();
    assert_eq!(page(&app, 0).await.expect(200).body["revocations"].as_array().unwrap().len(), 2);
}
