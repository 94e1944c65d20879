//! Settles sign-in, refresh and sign-out as a browser meets them.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, ORIGIN, SET_COOKIE};
use serde_json::json;
use shared::session::{ACCESS_COOKIE, REFRESH_COOKIE};
use shared::testing::{Answer, ManualClock};

use crate::app::{App, PASSWORD, TOTP_SECRET, one_time_code, sign_in};

const REFRESH: &str = "/auth/v1/sessions/refresh";
const CURRENT: &str = "/auth/v1/sessions/current";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_is_known_refreshes_and_signs_out() {
    let app = App::start().await;
    let browser = app.browser();
    let answer = sign_in(&browser, "  Zoe.Martin ", PASSWORD).await.expect(201);
    assert_eq!(answer.body["person"]["given_name"], "Zoé");
    assert_eq!(answer.body["memberships"][0]["role"], "Student");
    assert!((540..=660).contains(&answer.body["expires_in_s"].as_u64().unwrap()), "{answer:?}");
    browser.get("/auth/v1/me").await.expect(200);
    browser.post(REFRESH, &json!({})).await.expect(200);
    browser.get("/auth/v1/me").await.expect(200);
    browser.delete(CURRENT).await.expect(204);
    assert_eq!((browser.cookie(ACCESS_COOKIE), browser.cookie(REFRESH_COOKIE)), (None, None));
    browser.get("/auth/v1/me").await.expect_problem(401, "sign_in_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_are_out_of_reach_of_pages_and_other_sites() {
    let app = App::start().await;
    let answer = sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect(201);
    let cookies: Vec<&str> =
        answer.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect();
    let find = |name: &str| *cookies.iter().find(|cookie| cookie.starts_with(name)).unwrap();
    for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/;"] {
        assert!(format!("{};", find(ACCESS_COOKIE)).contains(attribute), "{attribute}: {cookies:?}");
    }
    for attribute in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/auth/v1/sessions"] {
        assert!(find(REFRESH_COOKIE).contains(attribute), "{attribute}: {cookies:?}");
    }
    assert!(!answer.body.to_string().contains("eyJ"), "no token in the body");
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_wrong_and_blocked_get_the_same_answer() {
    let app = App::start().await;
    let browser = app.browser();
    let mut bodies = vec![];
    for (login, password) in [("nobody.here", PASSWORD), ("zoe.martin", "wrong"), ("ines.bloquee", PASSWORD)]
    {
        let answer = sign_in(&browser, login, password).await.expect(401);
        assert_eq!(answer.code(), "invalid_credentials", "{login}");
        bodies.push(answer.body);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
}

fn code(clock: &ManualClock) -> String {
    one_time_code(TOTP_SECRET, clock)
}

async fn sign_in_with_code(app: &App, code: &str) -> Answer {
    let body = json!({ "login": "paul.durand", "password": PASSWORD, "totp_code": code });
    app.browser().post("/auth/v1/sessions", &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_code_is_asked_for_checked_and_good_once() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    sign_in(&app.browser(), "paul.durand", "wrong").await.expect_problem(401, "invalid_credentials");
    sign_in(&app.browser(), "paul.durand", PASSWORD).await.expect_problem(401, "totp_required");
    sign_in_with_code(&app, "000000").await.expect_problem(401, "totp_wrong");
    let used = code(&clock);
    sign_in_with_code(&app, &used).await.expect(201);
    sign_in_with_code(&app, &used).await.expect_problem(401, "totp_code_used");
    clock.advance(Duration::from_secs(30));
    sign_in_with_code(&app, &used).await.expect_problem(401, "totp_code_used");
    sign_in_with_code(&app, &code(&clock)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_and_a_second_tab_keep_the_session() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let browser = app.signed_in("zoe.martin").await;
    let first = browser.cookie(REFRESH_COOKIE).unwrap();
    browser.post(REFRESH, &json!({})).await.expect(200);
    let second = browser.cookie(REFRESH_COOKIE).unwrap();
    assert_ne!(first, second, "each use rotates");
    clock.advance(Duration::from_secs(59));
    browser.set_cookie(REFRESH_COOKIE, first);
    browser.post(REFRESH, &json!({})).await.expect(200);
    assert_eq!(browser.cookie(REFRESH_COOKIE), Some(second), "the same successor");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_handle_used_after_its_grace_ends_the_session_for_everybody() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let browser = app.signed_in("zoe.martin").await;
    let stolen = browser.cookie(REFRESH_COOKIE).unwrap();
    browser.post(REFRESH, &json!({})).await.expect(200);
    clock.advance(Duration::from_secs(61));
    let thief = app.browser();
    thief.set_cookie(REFRESH_COOKIE, stolen);
    thief.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
    browser.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_after_its_absolute_limit_however_often_it_is_refreshed() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let browser = app.signed_in("zoe.martin").await;
    for _ in 0..11 {
        clock.advance(Duration::from_hours(1));
        browser.post(REFRESH, &json!({})).await.expect(200);
    }
    clock.advance(Duration::from_hours(1));
    browser.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_after_the_account_was_revoked_or_blocked_is_refused() {
    let app = App::start().await;
    let browser = app.signed_in("zoe.martin").await;
    let database = app.database.connect().await;
    database.batch_execute("update account set epoch = epoch + 1 where login = 'zoe.martin'").await.unwrap();
    browser.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
    let browser = app.signed_in("zoe.martin").await;
    database.batch_execute("update account set blocked_at = now() where login = 'zoe.martin'").await.unwrap();
    browser.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_for_copies_of_its_handle_too() {
    let app = App::start().await;
    let browser = app.signed_in("zoe.martin").await;
    let copy = app.browser();
    copy.set_cookie(REFRESH_COOKIE, browser.cookie(REFRESH_COOKIE).unwrap());
    browser.delete(CURRENT).await.expect(204);
    copy.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
    app.browser().delete(CURRENT).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_from_foreign_pages_change_nothing() {
    let app = App::start().await;
    let browser = app.signed_in("zoe.martin").await;
    let foreign = browser.request(Method::DELETE, CURRENT).header(ORIGIN, "https://evil.example");
    browser.send(foreign).await.expect_problem(403, "foreign_origin");
    browser.post(REFRESH, &json!({})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bodies_are_refused_by_name_and_nothing_is_quoted_back() {
    let app = App::start().await;
    let browser = app.browser();
    let post = || browser.request(Method::POST, "/auth/v1/sessions");
    let cases = [
        (post().json(&json!({ "login": "a", "password": "b", "admin": true })), 400, "malformed_body"),
        (post().json(&json!({ "login": "a" })), 400, "malformed_body"),
        (post().json(&json!({ "login": "nul\u{0}", "password": "b" })), 422, "invalid_body"),
        (post().json(&json!({ "login": "a", "password": "" })), 422, "invalid_body"),
        (post().json(&json!({ "login": "a", "password": "b", "totp_code": "12345" })), 422, "invalid_body"),
        (post().json(&json!({ "login": "a", "password": "x".repeat(300_000) })), 413, "body_too_large"),
        (post().header(CONTENT_TYPE, "text/plain").body("{}"), 415, "unsupported_media_type"),
        (post().header(CONTENT_ENCODING, "gzip").json(&json!({})), 415, "unsupported_content_encoding"),
        (post().header(CONTENT_TYPE, "application/json").body("{secret"), 400, "malformed_body"),
    ];
    for (request, status, code) in cases {
        let answer = browser.send(request).await;
        assert!(!answer.body.to_string().contains("secret"), "{answer:?}");
        answer.expect_problem(status, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_and_refresh_take_no_idempotency_key_because_sessions_are_not_stored_answers() {
    let app = App::start().await;
    let browser = app.signed_in("zoe.martin").await;
    for path in ["/auth/v1/sessions", REFRESH] {
        let body = json!({ "login": "zoe.martin", "password": PASSWORD });
        let request = browser.request(Method::POST, path).header("Idempotency-Key", "k").json(&body);
        browser.send(request).await.expect_problem(400, "idempotency_key_not_taken");
    }
    browser.post(REFRESH, &json!({})).await.expect(200);
}
