//! Settles who sets a password: whoever holds a printed code, or the old password with a one-time code; never a thief of the old one.

use std::process::Command;
use std::time::Duration;

use auth::Auth;
use reqwest::Method;
use serde_json::{Value, json};
use shared::clock::{Clock, system_clock};
use shared::testing::{Answer, Client, ManualClock, Running, eventually};
use uuid::Uuid;

use crate::app::{App, PASSWORD, TOTP_SECRET, claims, config, one_time_code as code_of, sign_in};
use crate::containment::contain_at;

const RESETS: &str = "/auth/v1/password-resets";
const ACTIVATIONS: &str = "/auth/v1/activations";
const ZOE: &str = "00000000-0000-0000-0000-000000000001";
const NEW: &str = "tiroir vif bleu";

fn one_time_code(clock: &ManualClock) -> String {
    code_of(TOTP_SECRET, clock)
}

/// A school with an administrator, who has just signed in with a one-time code, and an account that nobody has opened.
async fn start(clock: &ManualClock) -> (App, Client) {
    let app = App::start_at(clock).await;
    let sql = format!(
        "insert into person (id, source, source_id, given_name, family_name) values
           ('00000000-0000-0000-0000-000000000009', 'test', '9', 'Ada', 'Admin'),
           ('00000000-0000-0000-0000-00000000000a', 'test', '10', 'Tom', 'Nouveau');
         insert into membership (school_id, person_id, role) values
           ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000009', 'LocalAdmin'),
           ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-00000000000a', 'Student');
         insert into account (person_id, login, password_hash, totp_secret)
           select '00000000-0000-0000-0000-000000000009', 'ada.admin', password_hash, '{TOTP_SECRET}'
           from account where login = 'zoe.martin';
         insert into account (person_id, login) values ('00000000-0000-0000-0000-00000000000a', 'tom.nouveau');"
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
    let admin = app.browser();
    let body = json!({ "login": "ada.admin", "password": PASSWORD, "totp_code": one_time_code(clock) });
    admin.post("/auth/v1/sessions", &body).await.expect(201);
    (app, admin)
}

async fn print(admin: &Client, person: &str, purpose: &str) -> Answer {
    admin
        .post(
            &format!("/auth/v1/people/{person}/codes"),
            &json!({ "purpose": purpose, "authority": "Principal" }),
        )
        .await
}

async fn redeem(app: &App, path: &str, login: &str, code: &str, password: &str) -> Answer {
    app.browser().post(path, &json!({ "login": login, "code": code, "new_password": password })).await
}

async fn force_reset(app: &App, login: &str) {
    let sql = format!("update account set reset_forced_at = now() where login = '{login}'");
    app.database.connect().await.batch_execute(&sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_opened_by_its_printed_code_once() {
    let clock = ManualClock::default();
    let (app, admin) = start(&clock).await;
    sign_in(&app.browser(), "tom.nouveau", PASSWORD).await.expect_problem(401, "invalid_credentials");
    let printed = print(&admin, "00000000-0000-0000-0000-00000000000a", "activation").await.expect(201);
    assert_eq!(printed.headers["cache-control"], "no-store");
    let code = printed.body["code"].as_str().unwrap().to_owned();
    let stored =
        app.database.connect().await.query_one("select code_hash from account_code", &[]).await.unwrap();
    assert!(!stored.get::<_, String>(0).contains(&code.replace('-', "")), "only its keyed hash is kept");
    redeem(&app, RESETS, "tom.nouveau", &code, NEW).await.expect_problem(401, "code_wrong");
    redeem(&app, ACTIVATIONS, "zoe.martin", &code, NEW).await.expect_problem(401, "code_wrong");
    redeem(&app, ACTIVATIONS, "tom.nouveau", &code, "court").await.expect_problem(422, "password_too_short");
    redeem(&app, ACTIVATIONS, "tom.nouveau", &code, "motdepasse2024")
        .await
        .expect_problem(422, "password_known");
    redeem(&app, ACTIVATIONS, "tom.nouveau", &code.to_lowercase(), NEW).await.expect(204);
    redeem(&app, ACTIVATIONS, "tom.nouveau", &code, NEW).await.expect_problem(401, "code_wrong");
    sign_in(&app.browser(), "tom.nouveau", NEW).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_ends_with_its_time_and_with_the_next_one() {
    let clock = ManualClock::default();
    let (app, admin) = start(&clock).await;
    let first = print(&admin, ZOE, "reset").await.expect(201).body["code"].as_str().unwrap().to_owned();
    let second = print(&admin, ZOE, "reset").await.expect(201).body["code"].as_str().unwrap().to_owned();
    redeem(&app, RESETS, "zoe.martin", &first, NEW).await.expect_problem(401, "code_wrong");
    clock.advance(Duration::from_hours(24 * 14));
    redeem(&app, RESETS, "zoe.martin", &second, NEW).await.expect_problem(401, "code_wrong");
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_is_new_again_with_a_password_that_a_code_has_set() {
    let clock = ManualClock::default();
    let (app, admin) = start(&clock).await;
    let browser = app.browser();
    let since = async |password: &str| {
        sign_in(&browser, "zoe.martin", password).await.expect(201);
        claims(&browser)["dev_since"].as_u64().unwrap()
    };
    let begin = clock.unix_seconds();
    let code = print(&admin, ZOE, "reset").await.expect(201).body["code"].as_str().unwrap().to_owned();
    assert_eq!(since(PASSWORD).await, begin);
    clock.advance(Duration::from_mins(5));
    assert_eq!(since(PASSWORD).await, begin);
    redeem(&app, RESETS, "zoe.martin", &code, NEW).await.expect(204);
    clock.advance(Duration::from_hours(30));
    assert_eq!(since(NEW).await, begin + 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_by_code_ends_all_sessions_and_is_kept() {
    let clock = ManualClock::default();
    let (app, admin) = start(&clock).await;
    let thief = app.signed_in("zoe.martin").await;
    let code = print(&admin, ZOE, "reset").await.expect(201).body["code"].as_str().unwrap().to_owned();
    redeem(&app, RESETS, "zoe.martin", &code, NEW).await.expect(204);
    thief.get("/auth/v1/me").await.expect_problem(401, "session_revoked");
    thief.post("/auth/v1/sessions/refresh", &json!({})).await.expect_problem(401, "session_over");
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect_problem(401, "invalid_credentials");
    sign_in(&app.browser(), "zoe.martin", NEW).await.expect(201);
    let sql = "select count(*) from audit_leaf where content like '%code_issued%' or content like '%password_set%\"by\":\"reset\"%'
                 or content like '%\"by\":\"reset\"%password_set%'";
    assert_eq!(app.database.connect().await.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_with_the_old_password_never_completes_a_forced_reset() {
    let clock = ManualClock::default();
    let (app, admin) = start(&clock).await;
    force_reset(&app, "zoe.martin").await;
    sign_in(&app.browser(), "zoe.martin", "wrong").await.expect_problem(401, "invalid_credentials");
    let refused = sign_in(&app.browser(), "zoe.martin", PASSWORD).await;
    assert!(refused.headers.get("set-cookie").is_none(), "{refused:?}");
    refused.expect_problem(403, "password_reset_required");
    let attempts = [
        (json!({ "password": PASSWORD }), 422, "invalid_body"),
        (json!({ "password": PASSWORD, "totp_code": "000000" }), 403, "password_reset_required"),
        (json!({ "code": "0000-0000-0000" }), 401, "code_wrong"),
        (
            json!({ "code": "0000-0000-0000", "password": PASSWORD, "totp_code": "000000" }),
            422,
            "invalid_body",
        ),
        (json!({}), 422, "invalid_body"),
    ];
    for (mut body, status, code) in attempts {
        body["login"] = json!("zoe.martin");
        body["new_password"] = json!("le voleur etait la");
        app.browser().post(RESETS, &body).await.expect_problem(status, code);
    }
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect_problem(403, "password_reset_required");
    let code = print(&admin, ZOE, "reset").await.expect(201).body["code"].as_str().unwrap().to_owned();
    redeem(&app, RESETS, "zoe.martin", &code, NEW).await.expect(204);
    sign_in(&app.browser(), "zoe.martin", NEW).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_who_was_in_before_gets_no_further_by_session_device_recovery_codes_or_older_codes() {
    let clock = ManualClock::default();
    let (app, admin) = start(&clock).await;
    let activation =
        print(&admin, ZOE, "activation").await.expect(201).body["code"].as_str().unwrap().to_owned();
    let reset = print(&admin, ZOE, "reset").await.expect(201).body["code"].as_str().unwrap().to_owned();
    // The thief was in, on a device that the account knows by now, and has taken all the recovery codes.
    let thief = app.signed_in("zoe.martin").await;
    let offered = thief.send(thief.request(Method::POST, "/auth/v1/authenticators")).await.expect(201);
    let secret = offered.body["secret"].as_str().unwrap().to_owned();
    let proof = json!({ "totp_code": code_of(&secret, &clock) });
    let enrolled = thief.post("/auth/v1/authenticators/confirmation", &proof).await.expect(201);
    let recovery = enrolled.body["recovery_codes"].clone();
    let sql = "insert into authenticator_enrolment select person_id, totp_secret, now() from account where login = 'zoe.martin'";
    app.database.connect().await.batch_execute(sql).await.unwrap();
    let command = (Uuid::from_u128(1), "incident-1", "auth");
    contain_at(&app, std::sync::Arc::new(clock.clone()), command).await.expect(200);
    let sql = "select (select count(*) from recovery_code) + (select count(*) from authenticator_enrolment)
                    + (select count(*) from account_code where used_at is null)";
    assert_eq!(app.database.connect().await.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 0);

    thief.post("/auth/v1/sessions/refresh", &json!({})).await.expect_problem(401, "session_over");
    thief.post("/auth/v1/sessions/step-up", &proof).await.expect_problem(401, "session_revoked");
    for path in ["/auth/v1/authenticators", "/auth/v1/recovery-codes"] {
        thief.send(thief.request(Method::POST, path)).await.expect_problem(401, "session_revoked");
    }
    clock.advance(Duration::from_secs(30));
    let mut with_old_password = vec![json!({}), json!({ "totp_code": code_of(&secret, &clock) })];
    with_old_password
        .extend(recovery.as_array().unwrap().iter().map(|code| json!({ "recovery_code": code })));
    for mut body in with_old_password {
        body["login"] = json!("zoe.martin");
        body["password"] = json!(PASSWORD);
        let refused = thief.post("/auth/v1/sessions", &body).await;
        assert!(refused.headers.get("set-cookie").is_none(), "{refused:?}");
        assert!([401, 429].contains(&refused.status), "{refused:?}");
        body["new_password"] = json!(NEW);
        assert!(thief.post(RESETS, &body).await.status >= 400, "{body}");
    }
    for (path, code) in [(ACTIVATIONS, &activation), (RESETS, &reset)] {
        redeem(&app, path, "zoe.martin", code, NEW).await.expect_problem(401, "code_wrong");
    }
    // The school vouches for the owner: by one code for the password, by another for the authenticator.
    clock.advance(Duration::from_hours(1));
    let admin = app.browser();
    let body = json!({ "login": "ada.admin", "password": PASSWORD, "totp_code": one_time_code(&clock) });
    admin.post("/auth/v1/sessions", &body).await.expect(201);
    eventually("administration is open", async || print(&admin, ZOE, "activation").await.status == 201).await;
    let code = print(&admin, ZOE, "reset").await.expect(201).body["code"].as_str().unwrap().to_owned();
    redeem(&app, RESETS, "zoe.martin", &code, NEW).await.expect(204);
    let body = json!({ "login": "zoe.martin", "password": PASSWORD, "totp_code": code_of(&secret, &clock) });
    app.browser().post("/auth/v1/sessions", &body).await.expect_problem(401, "invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_reset_is_not_completed_by_recovery_codes() {
    let clock = ManualClock::default();
    let (app, _) = start(&clock).await;
    let owner = app.signed_in("zoe.martin").await;
    let offered = owner.send(owner.request(Method::POST, "/auth/v1/authenticators")).await.expect(201);
    let proof = json!({ "totp_code": code_of(offered.body["secret"].as_str().unwrap(), &clock) });
    let enrolled = owner.post("/auth/v1/authenticators/confirmation", &proof).await.expect(201);
    force_reset(&app, "zoe.martin").await;
    let recovery = &enrolled.body["recovery_codes"][0];
    let mut body = json!({ "login": "zoe.martin", "password": PASSWORD, "recovery_code": recovery });
    owner.post("/auth/v1/sessions", &body).await.expect_problem(403, "password_reset_required");
    body["new_password"] = json!(NEW);
    owner.post(RESETS, &body).await.expect_problem(400, "malformed_body");
    let as_code = json!({ "login": "zoe.martin", "code": recovery, "new_password": NEW });
    owner.post(RESETS, &as_code).await.expect_problem(401, "code_wrong");
    let sql = "select count(*) from recovery_code where used_at is null";
    assert_eq!(app.database.connect().await.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_an_authenticator_completes_a_forced_reset_with_it() {
    let clock = ManualClock::default();
    let (app, _) = start(&clock).await;
    force_reset(&app, "paul.durand").await;
    let body = |code: String, password: &str| json!({ "login": "paul.durand", "password": PASSWORD, "totp_code": code, "new_password": password });
    app.browser().post(RESETS, &body("000000".to_owned(), NEW)).await.expect_problem(401, "totp_wrong");
    let reset = body(one_time_code(&clock), NEW);
    app.browser().post(RESETS, &reset).await.expect(204);
    app.browser().post(RESETS, &reset).await.expect_problem(401, "invalid_credentials");
    sign_in(&app.browser(), "paul.durand", NEW).await.expect_problem(401, "totp_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_administrator_of_the_school_with_a_fresh_one_time_code_prints() {
    let clock = ManualClock::default();
    let (app, admin) = start(&clock).await;
    let pupil = app.signed_in("zoe.martin").await;
    print(&pupil, ZOE, "reset").await.expect_problem(403, "not_allowed");
    print(&app.browser(), ZOE, "reset").await.expect_problem(401, "sign_in_required");
    print(&admin, "00000000-0000-0000-0000-00000000dead", "reset")
        .await
        .expect_problem(404, "account_not_found");
    clock.advance(Duration::from_mins(16));
    admin.post("/auth/v1/sessions/refresh", &json!({})).await.expect(200);
    // After the jump of the clock nothing sensitive goes on until revocations are heard again.
    eventually("administration is open", async || print(&admin, ZOE, "reset").await.status != 503).await;
    print(&admin, ZOE, "reset").await.expect_problem(403, "step_up_required");
    let proof = json!({ "totp_code": one_time_code(&clock) });
    admin.post("/auth/v1/sessions/step-up", &proof).await.expect(200);
    print(&admin, ZOE, "reset").await.expect(201);
    admin.post("/auth/v1/sessions/refresh", &json!({})).await.expect(200);
    print(&admin, ZOE, "reset").await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_cannot_be_guessed_and_guessing_does_not_keep_the_owner_out_for_long() {
    let clock = ManualClock::default();
    let (app, admin) = start(&clock).await;
    for _ in 0..20 {
        redeem(&app, RESETS, "zoe.martin", "0000-0000-0000", NEW).await.expect_problem(401, "code_wrong");
    }
    redeem(&app, RESETS, "zoe.martin", "0000-0000-0000", NEW).await.expect_problem(429, "too_many_attempts");
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect(201);
    let code = print(&admin, ZOE, "reset").await.expect(201).body["code"].as_str().unwrap().to_owned();
    clock.advance(Duration::from_mins(1));
    redeem(&app, RESETS, "zoe.martin", &code, NEW).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_with_old_parameters_is_renewed_after_a_sign_in_and_stays_the_same_password() {
    let app = App::start().await;
    let stored = async || {
        let sql = "select password_hash from account where login = 'zoe.martin'";
        app.database.connect().await.query_one(sql, &[]).await.unwrap().get::<_, String>(0)
    };
    let old = stored().await;
    sign_in(&app.browser(), "zoe.martin", "wrong").await.expect_problem(401, "invalid_credentials");
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect(201);
    eventually("the hash has today's parameters", async || stored().await.contains("$m=19456,t=2,p=1$"))
        .await;
    assert!(old.contains("$m=64,"));
    let renewed = stored().await;
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect(201);
    sign_in(&app.browser(), "zoe.martin", "wrong").await.expect_problem(401, "invalid_credentials");
    assert_eq!(stored().await, renewed, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_known_passwords_is_built_read_and_never_left_out_silently() {
    let folder = tempfile::tempdir().unwrap();
    let (list, file) = (folder.path().join("list"), folder.path().join("filter"));
    // SHA-1 of "cheval pile agrafe bleue".
    std::fs::write(&list, "681A5E34C35C7E2832C63D47BEAC9D6D2D15F668:3\n").unwrap();
    let build = || {
        Command::new(env!("CARGO_BIN_EXE_auth"))
            .args(["breach-filter", "build"])
            .arg(&list)
            .arg(&file)
            .output()
            .unwrap()
    };
    assert!(build().status.success());
    assert!(!build().status.success(), "never overwritten");
    let clock = ManualClock::default();
    let (app, admin) = start(&clock).await;
    let own = json!({ "passwords": { "breach_filter_file": file } });
    let checked = Running::<Auth>::start(
        config(&app.database, &app.keys, own.clone()),
        std::sync::Arc::new(clock.clone()),
    );
    let code = print(&admin, ZOE, "reset").await.expect(201).body["code"].as_str().unwrap().to_owned();
    let body = |password: &str| -> Value {
        json!({ "login": "zoe.martin", "code": code, "new_password": password })
    };
    checked
        .client()
        .post(RESETS, &body("cheval pile agrafe bleue"))
        .await
        .expect_problem(422, "password_known");
    let request = checked.client();
    request
        .send(request.request(Method::POST, RESETS).json(&body("cheval pile agrafe rouge")))
        .await
        .expect(204);
    std::fs::write(&file, "damaged").unwrap();
    let refused =
        Running::<Auth>::try_start(config(&app.database, &app.keys, own), system_clock()).err().unwrap();
    assert!(refused.contains("own.passwords.breach_filter_file"), "{refused}");
}
