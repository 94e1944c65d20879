//! Settles how people enrol an authenticator, that its secret is kept from everybody, and what recovery codes are good for.

use std::cell::Cell;
use std::time::Duration;

use auth::Auth;
use reqwest::Method;
use serde_json::{Value, json};
use shared::testing::{Answer, Client, ManualClock, Running, eventually};

use crate::app::{App, PASSWORD, TOTP_SECRET, config, one_time_code, sign_in};

const OWN: &str = "/auth/v1/authenticators";
const CONFIRMATION: &str = "/auth/v1/authenticators/confirmation";
const RECOVERY: &str = "/auth/v1/recovery-codes";
const SESSIONS: &str = "/auth/v1/sessions";

/// A request without a body. After a jump of the clock nothing sensitive goes on until revocations are heard again.
async fn ask(browser: &Client, path: &str) -> Answer {
    let answer = Cell::new(None);
    eventually("sensitive acts are open", async || {
        let latest = browser.send(browser.request(Method::POST, path)).await;
        let is_open = latest.status != 503;
        answer.set(Some(latest));
        is_open
    })
    .await;
    answer.take().unwrap()
}

async fn sign_in_with(app: &App, login: &str, field: &str, code: &str) -> Answer {
    let mut body = json!({ "login": login, "password": PASSWORD });
    body[field] = json!(code);
    app.browser().post(SESSIONS, &body).await
}

fn codes(answer: &Answer) -> Vec<String> {
    let codes = answer.body["recovery_codes"].as_array().unwrap();
    codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

async fn kept(app: &App, login: &str) -> Option<String> {
    let sql = "select totp_secret from account where login = $1";
    app.database.connect().await.query_one(sql, &[&login]).await.unwrap().get(0)
}

/// Enrols for `login`, who has just signed in; the secret and the recovery codes.
async fn enrol(browser: &Client, clock: &ManualClock) -> (String, Vec<String>) {
    let offered = ask(browser, OWN).await.expect(201);
    let secret = offered.body["secret"].as_str().unwrap().to_owned();
    let proof = json!({ "totp_code": one_time_code(&secret, clock) });
    (secret, codes(&browser.post(CONFIRMATION, &proof).await.expect(201)))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_counts_once_a_code_of_it_was_typed_and_rests_encrypted() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let browser = app.signed_in("zoe.martin").await;
    browser
        .post(CONFIRMATION, &json!({ "totp_code": "000000" }))
        .await
        .expect_problem(409, "nothing_offered");
    let first = ask(&browser, OWN).await.expect(201);
    assert_eq!(first.headers["cache-control"], "no-store");
    let offered = ask(&browser, OWN).await.expect(201);
    let secret = offered.body["secret"].as_str().unwrap();
    let uri =
        format!("otpauth://totp/ENT:zoe.martin?secret={secret}&issuer=ENT&algorithm=SHA1&digits=6&period=30");
    assert_eq!(offered.body["otpauth_uri"], uri);
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect(201);
    let of_first = json!({ "totp_code": one_time_code(first.body["secret"].as_str().unwrap(), &clock) });
    browser.post(CONFIRMATION, &of_first).await.expect_problem(401, "totp_wrong");
    let code = one_time_code(secret, &clock);
    let confirmed = browser.post(CONFIRMATION, &json!({ "totp_code": code })).await.expect(201);
    assert_eq!(
        (codes(&confirmed).len(), &confirmed.headers["cache-control"]),
        (10, &"no-store".parse().unwrap())
    );
    let own = browser.get(OWN).await.expect(200).body;
    assert_eq!(own, json!({ "has_authenticator": true, "recovery_codes_left": 10 }));
    assert!(kept(&app, "zoe.martin").await.unwrap().starts_with("s1."));
    assert!(!kept(&app, "zoe.martin").await.unwrap().contains(secret));
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect_problem(401, "totp_required");
    sign_in_with(&app, "zoe.martin", "totp_code", &code).await.expect_problem(401, "totp_code_used");
    clock.advance(Duration::from_secs(30));
    sign_in_with(&app, "zoe.martin", "totp_code", &one_time_code(secret, &clock)).await.expect(201);
    let sql = "select count(*) from audit_leaf where content like '%authenticator_enrolled%'";
    assert_eq!(app.database.connect().await.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_needs_a_fresh_sign_in_or_the_authenticator_it_replaces_and_ends_in_time() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let browser = app.signed_in("zoe.martin").await;
    let offered = ask(&browser, OWN).await.expect(201);
    clock.advance(Duration::from_mins(16));
    browser.post("/auth/v1/sessions/refresh", &json!({})).await.expect(200);
    ask(&browser, OWN).await.expect_problem(403, "fresh_sign_in_required");
    let late = json!({ "totp_code": one_time_code(offered.body["secret"].as_str().unwrap(), &clock) });
    browser.post(CONFIRMATION, &late).await.expect_problem(409, "nothing_offered");
    sign_in(&browser, "zoe.martin", PASSWORD).await.expect(201);
    let thief = app.signed_in("zoe.martin").await;
    let (secret, _) = enrol(&browser, &clock).await;
    ask(&thief, OWN).await.expect_problem(403, "step_up_required");
    ask(&thief, RECOVERY).await.expect_problem(403, "step_up_required");
    clock.advance(Duration::from_secs(30));
    let proof = json!({ "totp_code": one_time_code(&secret, &clock) });
    eventually("stepping up is open", async || {
        browser.post("/auth/v1/sessions/step-up", &proof).await.status == 200
    })
    .await;
    let before = kept(&app, "zoe.martin").await;
    clock.advance(Duration::from_secs(30));
    enrol(&browser, &clock).await;
    assert_ne!(kept(&app, "zoe.martin").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_opens_once_ends_nothing_else_is_kept_and_counted() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let browser = app.signed_in("zoe.martin").await;
    let (_, codes) = enrol(&browser, &clock).await;
    let stored =
        app.database.connect().await.query("select code_hash from recovery_code", &[]).await.unwrap();
    let is_kept =
        |code: &String| stored.iter().any(|row| row.get::<_, String>(0).contains(&code.replace('-', "")));
    assert!(stored.len() == 10 && !codes.iter().any(is_kept), "only keyed hashes are kept");
    let both = json!({ "login": "zoe.martin", "password": PASSWORD, "totp_code": "000000", "recovery_code": codes[0] });
    app.browser().post(SESSIONS, &both).await.expect_problem(422, "invalid_body");
    sign_in_with(&app, "paul.durand", "recovery_code", &codes[0])
        .await
        .expect_problem(401, "recovery_code_wrong");
    sign_in_with(&app, "zoe.martin", "recovery_code", &codes[0].to_lowercase()).await.expect(201);
    sign_in_with(&app, "zoe.martin", "recovery_code", &codes[0])
        .await
        .expect_problem(401, "recovery_code_wrong");
    browser.get("/auth/v1/me").await.expect(200);
    assert_eq!(browser.get(OWN).await.body["recovery_codes_left"], 9);
    assert_eq!(app.auth.internal_client().get("/statusz").await.body["recovery_codes_used"], 1);
    let sql = "select count(*) from audit_leaf where content like '%recovery_code_used%' and content like '%\"left\":9%'";
    assert_eq!(app.database.connect().await.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_codes_are_renewed_after_a_proof_and_cannot_be_guessed() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let browser = app.signed_in("zoe.martin").await;
    ask(&browser, RECOVERY).await.expect_problem(403, "step_up_required");
    let (_, before) = enrol(&browser, &clock).await;
    let body = json!({ "login": "zoe.martin", "password": PASSWORD, "recovery_code": before[0] });
    browser.post(SESSIONS, &body).await.expect(201);
    let renewed = codes(&ask(&browser, RECOVERY).await.expect(201));
    sign_in_with(&app, "zoe.martin", "recovery_code", &before[1])
        .await
        .expect_problem(401, "recovery_code_wrong");
    for _ in 0..9 {
        let guess = sign_in_with(&app, "zoe.martin", "recovery_code", "0000-0000-0000").await;
        guess.expect_problem(401, "recovery_code_wrong");
    }
    sign_in_with(&app, "zoe.martin", "recovery_code", &renewed[0])
        .await
        .expect_problem(429, "too_many_attempts");
    let known = json!({ "login": "zoe.martin", "password": PASSWORD, "recovery_code": renewed[0] });
    browser.post(SESSIONS, &known).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_recovery_code_at_the_same_time_opens_once() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let browser = app.signed_in("zoe.martin").await;
    let (_, codes) = enrol(&browser, &clock).await;
    let tries = (0..6).map(|_| sign_in_with(&app, "zoe.martin", "recovery_code", &codes[0]));
    let statuses: Vec<u16> =
        futures_util::future::join_all(tries).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_authenticators_change_without_anybody_enrolling_anew() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let browser = app.signed_in("zoe.martin").await;
    let (secret, codes) = enrol(&browser, &clock).await;
    let restarted = |older: Value| {
        let file = shared::keys::generate_secret("demo-second");
        let path = app.keys.file("second");
        if !path.exists() {
            std::fs::write(&path, file).unwrap();
        }
        let own = json!({ "authenticators": { "key_file": path, "older_key_files": older } });
        Running::<Auth>::start(config(&app.database, &app.keys, own), std::sync::Arc::new(clock.clone()))
    };
    let sealed = kept(&app, "zoe.martin").await;
    let post = async |auth: &Running<Auth>, field: &str, code: &str| {
        let mut body = json!({ "login": "zoe.martin", "password": PASSWORD });
        body[field] = json!(code);
        auth.client().post(SESSIONS, &body).await
    };
    let lost = restarted(json!([]));
    clock.advance(Duration::from_secs(30));
    // Without its key an authenticator is unreadable, which is not the same as none.
    post(&lost, "totp_code", &one_time_code(&secret, &clock)).await.expect(500);
    post(&lost, "recovery_code", &codes[0]).await.expect_problem(401, "recovery_code_wrong");
    let changed = restarted(json!([app.keys.file("authenticators")]));
    post(&changed, "recovery_code", &codes[0]).await.expect(201);
    post(&changed, "totp_code", &one_time_code(&secret, &clock)).await.expect(201);
    assert_ne!(kept(&app, "zoe.martin").await, sealed, "encrypted anew when it was used");
    clock.advance(Duration::from_secs(30));
    post(&lost, "totp_code", &one_time_code(&secret, &clock)).await.expect(201);
    assert_eq!(
        kept(&app, "paul.durand").await.as_deref(),
        Some(TOTP_SECRET),
        "demo accounts stay as they came"
    );
}
