//! Settles how personnel without an authenticator are led to one: a printed code gives it, and a password alone never does.

use std::time::Duration;

use serde_json::json;
use shared::testing::{Answer, Client, ManualClock, eventually};

use crate::app::{App, PASSWORD, TOTP_SECRET, one_time_code, sign_in};

const ENROLMENTS: &str = "/auth/v1/enrolments";
const CONFIRMATION: &str = "/auth/v1/enrolments/confirmation";
const TEACHER: &str = "00000000-0000-0000-0000-00000000000b";

/// A school with a teacher who has no authenticator, and an administrator who has just used one.
async fn start(clock: &ManualClock) -> (App, Client) {
    let app = App::start_at(clock).await;
    let sql = format!(
        "insert into person (id, source, source_id, given_name, family_name) values
           ('00000000-0000-0000-0000-000000000009', 'test', '9', 'Ada', 'Admin'),
           ('{TEACHER}', 'test', '11', 'Luc', 'Maître');
         insert into membership (school_id, person_id, role) values
           ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000009', 'LocalAdmin'),
           ('00000000-0000-0000-0000-0000000000a1', '{TEACHER}', 'Teacher');
         insert into account (person_id, login, password_hash, totp_secret)
           select '00000000-0000-0000-0000-000000000009'::uuid, 'ada.admin', password_hash, '{TOTP_SECRET}'
           from account where login = 'zoe.martin' union all
           select '{TEACHER}', 'luc.maitre', password_hash, null from account where login = 'zoe.martin';"
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
    let admin = app.browser();
    let body =
        json!({ "login": "ada.admin", "password": PASSWORD, "totp_code": one_time_code(TOTP_SECRET, clock) });
    admin.post("/auth/v1/sessions", &body).await.expect(201);
    (app, admin)
}

async fn print(admin: &Client, person: &str) -> String {
    let body = json!({ "purpose": "authenticator", "authority": "Principal" });
    let printed = admin.post(&format!("/auth/v1/people/{person}/codes"), &body).await.expect(201);
    printed.body["code"].as_str().unwrap().to_owned()
}

/// Takes an offer and confirms it; the secret.
async fn enrol(app: &App, clock: &ManualClock, login: &str, code: &str) -> String {
    let browser = app.browser();
    let offered = browser.post(ENROLMENTS, &json!({ "login": login, "code": code })).await.expect(201);
    assert_eq!(offered.headers["cache-control"], "no-store");
    let secret = offered.body["secret"].as_str().unwrap().to_owned();
    let wrong = json!({ "login": login, "code": code, "totp_code": "000000" });
    browser.post(CONFIRMATION, &wrong).await.expect_problem(401, "totp_wrong");
    let right = json!({ "login": login, "code": code, "totp_code": one_time_code(&secret, clock) });
    let confirmed = browser.post(CONFIRMATION, &right).await.expect(201);
    assert_eq!(confirmed.body["recovery_codes"].as_array().unwrap().len(), 10);
    browser.post(CONFIRMATION, &right).await.expect_problem(401, "code_wrong");
    secret
}

async fn sign_in_with(app: &App, login: &str, code: &str) -> Answer {
    let body = json!({ "login": login, "password": PASSWORD, "totp_code": code });
    app.browser().post("/auth/v1/sessions", &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn personnel_without_an_authenticator_get_no_session_on_a_new_device_but_a_way_to_one() {
    let clock = ManualClock::default();
    let (app, admin) = start(&clock).await;
    sign_in(&app.browser(), "luc.maitre", "wrong").await.expect_problem(401, "invalid_credentials");
    let refused = sign_in(&app.browser(), "luc.maitre", PASSWORD).await;
    assert!(refused.headers.get("set-cookie").is_none(), "{refused:?}");
    refused.expect_problem(403, "enrolment_required");
    sign_in_with(&app, "luc.maitre", "000000").await.expect_problem(403, "enrolment_required");
    let guess = json!({ "login": "luc.maitre", "code": "0000-0000-0000" });
    app.browser().post(ENROLMENTS, &guess).await.expect_problem(401, "code_wrong");
    let code = print(&admin, TEACHER).await;
    let other = json!({ "login": "paul.durand", "code": code });
    app.browser().post(ENROLMENTS, &other).await.expect_problem(401, "code_wrong");
    let password = json!({ "login": "luc.maitre", "code": code, "new_password": "tiroir vif bleu" });
    app.browser().post("/auth/v1/password-resets", &password).await.expect_problem(401, "code_wrong");
    let secret = enrol(&app, &clock, "luc.maitre", &code).await;
    sign_in_with(&app, "luc.maitre", &one_time_code(&secret, &clock))
        .await
        .expect_problem(401, "totp_code_used");
    clock.advance(Duration::from_secs(30));
    sign_in_with(&app, "luc.maitre", &one_time_code(&secret, &clock)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_somebody_has_signed_in_before_they_go_on_when_they_join_the_personnel() {
    let clock = ManualClock::default();
    let (app, _) = start(&clock).await;
    let known = app.signed_in("zoe.martin").await;
    let sql = "insert into membership (school_id, person_id, role)
               values ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000001', 'Staff')";
    app.database.connect().await.batch_execute(sql).await.unwrap();
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect_problem(403, "enrolment_required");
    sign_in(&known, "zoe.martin", PASSWORD).await.expect(201);
    let proof = json!({ "totp_code": "000000" });
    known.post("/auth/v1/sessions/step-up", &proof).await.expect_problem(403, "authenticator_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printed_code_replaces_an_authenticator_that_is_in_other_hands() {
    let clock = ManualClock::default();
    let (app, admin) = start(&clock).await;
    let first = enrol(&app, &clock, "luc.maitre", &print(&admin, TEACHER).await).await;
    clock.advance(Duration::from_secs(30));
    let thief = app.browser();
    let body =
        json!({ "login": "luc.maitre", "password": PASSWORD, "totp_code": one_time_code(&first, &clock) });
    thief.post("/auth/v1/sessions", &body).await.expect(201);
    eventually("administration is open", async || {
        admin.post("/auth/v1/people/x/codes", &json!({})).await.status != 503
    })
    .await;
    let second = enrol(&app, &clock, "luc.maitre", &print(&admin, TEACHER).await).await;
    thief.get("/auth/v1/me").await.expect_problem(401, "session_revoked");
    clock.advance(Duration::from_secs(30));
    sign_in_with(&app, "luc.maitre", &one_time_code(&first, &clock)).await.expect_problem(401, "totp_wrong");
    sign_in_with(&app, "luc.maitre", &one_time_code(&second, &clock)).await.expect(201);
}
