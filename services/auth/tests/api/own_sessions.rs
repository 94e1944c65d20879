//! Settles that people see where they are signed in, and end it there; and that sessions of the personnel end sooner.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::{Value, json};
use shared::session::{REFRESH_COOKIE, Role};
use shared::testing::{Client, ManualClock, eventually};
use uuid::Uuid;

use crate::app::{App, PASSWORD, TOTP_SECRET, claims, one_time_code};

const SESSIONS: &str = "/auth/v1/sessions";
const REFRESH: &str = "/auth/v1/sessions/refresh";
const ME: &str = "/auth/v1/me";
const PHONE: &str = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";

async fn signed_in_on_a_phone(app: &App) -> Client {
    let phone = app.browser();
    let body = json!({ "login": "zoe.martin", "password": PASSWORD });
    let request = phone.request(Method::POST, SESSIONS).header(USER_AGENT, PHONE).json(&body);
    phone.send(request).await.expect(201);
    phone
}

/// What the list says once it has `count` sessions.
async fn listed(browser: &Client, count: usize) -> Vec<Value> {
    let list = async || browser.get(SESSIONS).await.expect(200).body["sessions"].as_array().unwrap().clone();
    eventually("the sessions are listed", async || list().await.len() == count).await;
    list().await
}

async fn is_refused(browser: &Client) -> bool {
    browser.get(ME).await.status == 401
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_their_sessions_and_end_one_of_them() {
    let app = App::start().await;
    let (browser, phone) = (app.signed_in("zoe.martin").await, signed_in_on_a_phone(&app).await);
    let sessions = listed(&browser, 2).await;
    let of = |client: &Client| {
        let sid = claims(client)["sid"].clone();
        sessions.iter().find(|session| session["id"] == sid).unwrap().clone()
    };
    assert_eq!((&of(&phone)["browser"], &of(&phone)["is_this"]), (&json!("Firefox, Android"), &json!(false)));
    assert_eq!((&of(&browser)["browser"], &of(&browser)["is_this"]), (&json!("?"), &json!(true)));
    let address = format!("{SESSIONS}/{}", claims(&phone)["sid"].as_str().unwrap());
    browser.delete(&address).await.expect(204);
    assert!(is_refused(&phone).await);
    phone.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
    browser.get(ME).await.expect(200);
    assert_eq!(listed(&browser, 1).await[0]["is_this"], true);
    browser.delete(&address).await.expect_problem(404, "session_not_found");
    browser.delete(&format!("{SESSIONS}/{}", Uuid::nil())).await.expect_problem(404, "session_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_ends_or_sees_the_session_of_somebody_else() {
    let app = App::start().await;
    let zoe = app.signed_in("zoe.martin").await;
    listed(&zoe, 1).await;
    let paul = app
        .browser()
        .with_token(app.keys.token(Uuid::from_u128(2), &[(Uuid::from_u128(0xa1), Role::Principal)]));
    listed(&paul, 0).await;
    let address = format!("{SESSIONS}/{}", claims(&zoe)["sid"].as_str().unwrap());
    paul.delete(&address).await.expect_problem(404, "session_not_found");
    app.browser().get(SESSIONS).await.expect_problem(401, "sign_in_required");
    zoe.get(ME).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn ending_all_sessions_ends_this_one_too_and_a_new_one_can_be_opened() {
    let app = App::start().await;
    let (browser, phone) = (app.signed_in("zoe.martin").await, signed_in_on_a_phone(&app).await);
    listed(&browser, 2).await;
    let handle = browser.cookie(REFRESH_COOKIE).unwrap();
    browser.delete(SESSIONS).await.expect(204);
    assert_eq!(browser.cookie(REFRESH_COOKIE), None);
    assert!(is_refused(&phone).await);
    for handle in [handle, phone.cookie(REFRESH_COOKIE).unwrap()] {
        let thief = app.browser();
        thief.set_cookie(REFRESH_COOKIE, handle);
        thief.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
    }
    let again = app.signed_in("zoe.martin").await;
    again.get(ME).await.expect(200);
    listed(&again, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_the_personnel_end_sooner() {
    let clock = ManualClock::default();
    let settings = json!({ "sessions": { "staff": { "absolute_s": 7_200 } } });
    let app = App::start_with(settings, Arc::new(clock.clone())).await;
    let (pupil, teacher) = (app.signed_in("zoe.martin").await, app.browser());
    let code = one_time_code(TOTP_SECRET, &clock);
    let body = json!({ "login": "paul.durand", "password": PASSWORD, "totp_code": code });
    teacher.post("/auth/v1/sessions", &body).await.expect(201);
    for _ in 0..2 {
        clock.advance(Duration::from_mins(55));
        pupil.post(REFRESH, &json!({})).await.expect(200);
        teacher.post(REFRESH, &json!({})).await.expect(200);
    }
    clock.advance(Duration::from_mins(10));
    pupil.post(REFRESH, &json!({})).await.expect(200);
    teacher.post(REFRESH, &json!({})).await.expect_problem(401, "session_over");
}
