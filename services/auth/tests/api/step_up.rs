//! Settles how somebody who is signed in proves again who they are, and who cannot.

use serde_json::json;
use shared::session::REFRESH_COOKIE;
use shared::testing::{Answer, Client, ManualClock, eventually};

use crate::app::{App, PASSWORD, TOTP_SECRET, one_time_code};

fn code(clock: &ManualClock) -> String {
    one_time_code(TOTP_SECRET, clock)
}

async fn step_up(browser: &Client, code: &str) -> Answer {
    browser.post("/auth/v1/sessions/step-up", &json!({ "totp_code": code })).await
}

async fn head(app: &App, clock: &ManualClock) -> Client {
    let browser = app.browser();
    let body = json!({ "login": "paul.durand", "password": PASSWORD, "totp_code": code(clock) });
    browser.post("/auth/v1/sessions", &body).await.expect(201);
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_code_proves_it_once_and_needs_the_sessions_own_handle() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let browser = head(&app, &clock).await;
    step_up(&browser, &code(&clock)).await.expect_problem(401, "totp_code_used");
    clock.advance(std::time::Duration::from_secs(30));
    // After the jump of the clock nothing sensitive goes on until revocations are heard again.
    eventually("sensitive acts are open", async || step_up(&browser, "000000").await.status == 401).await;
    let other = app.signed_in("zoe.martin").await;
    let own = browser.cookie(REFRESH_COOKIE).unwrap();
    browser.set_cookie(REFRESH_COOKIE, other.cookie(REFRESH_COOKIE).unwrap());
    step_up(&browser, &code(&clock)).await.expect_problem(401, "session_over");
    browser.set_cookie(REFRESH_COOKIE, own);
    step_up(&browser, &code(&clock)).await.expect(200);
    browser.get("/auth/v1/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_authenticator_there_is_no_proof_and_guesses_are_held_back() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let pupil = app.signed_in("zoe.martin").await;
    step_up(&pupil, "000000").await.expect_problem(403, "authenticator_required");
    let browser = head(&app, &clock).await;
    for _ in 0..10 {
        step_up(&browser, "000000").await.expect_problem(401, "totp_wrong");
    }
    step_up(&browser, "000000").await.expect_problem(429, "too_many_attempts");
}
