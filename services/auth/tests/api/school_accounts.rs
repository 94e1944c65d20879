//! Settles how administrators see the accounts of their school and block them, and whom they do not reach.

use std::time::Duration;

use serde_json::{Value, json};
use shared::testing::{Client, ManualClock, eventually};

use crate::admin::{self, ADA, ANNE, EVA, LOU, OTHER_SCHOOL, PAUL, TOM, ZOE, kept, of_account, of_school};
use crate::app::{PASSWORD, sign_in};

async fn state(admin: &Client, person: &str) -> Value {
    admin.get(&of_account(person, "")).await.expect(200).body["state"].clone()
}

fn demanded() -> Value {
    json!({ "authority": "Principal" })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_is_named_and_the_last_sign_in_is_known() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    let sql = format!(
        "update account set blocked_at = now(), locked_at = now() where person_id = '{PAUL}';
         update account set locked_at = now(), reset_forced_at = now() where person_id = '{EVA}';
         update account set reset_forced_at = now() where person_id = '{ANNE}';"
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
    for (person, expected) in
        [(PAUL, "blocked"), (EVA, "contained"), (ANNE, "must_reset"), (TOM, "not_activated"), (ZOE, "active")]
    {
        assert_eq!(state(&admin, person).await, expected);
    }
    let account = async || admin.get(&of_account(ZOE, "")).await.expect(200).body;
    assert_eq!(account().await.get("last_sign_in_at"), None);
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect(201);
    eventually("the sign-in is noted", async || account().await["last_sign_in_at"] == "2026-09-01T06:00:00Z")
        .await;
    let zoe = account().await;
    assert_eq!((&zoe["login"], &zoe["roles"]), (&json!("zoe.martin"), &json!(["Student"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_is_no_sign_in_and_a_later_sign_in_is() {
    let clock = ManualClock::default();
    let (app, _) = admin::start(&clock).await;
    let browser = app.signed_in("zoe.martin").await;
    let noted = async || {
        let sql = format!("select at::text from last_sign_in where person_id = '{ZOE}'");
        let rows = app.database.connect().await.query(&sql, &[]).await.unwrap();
        rows.first().map(|row| row.get::<_, String>(0))
    };
    eventually("the sign-in is noted", async || noted().await.is_some()).await;
    let first = noted().await;
    clock.advance(Duration::from_mins(5));
    browser.post("/auth/v1/sessions/refresh", &json!({})).await.expect(200);
    crate::app::copied(&app, &browser, 1).await;
    assert_eq!(noted().await, first);
    app.signed_in("zoe.martin").await;
    eventually("the later one is noted", async || noted().await != first).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_of_the_school_by_role_and_state_page_by_page() {
    let clock = ManualClock::default();
    let (_app, admin) = admin::start(&clock).await;
    let logins = async |query: &str| -> Vec<String> {
        let page = admin.get(&of_school(&format!("accounts{query}"))).await.expect(200).body;
        let accounts = page["accounts"].as_array().unwrap().clone();
        accounts.iter().map(|account| account["login"].as_str().unwrap().to_owned()).collect()
    };
    let all = ["ada.admin", "eva.autre", "paul.durand", "anne.martin", "zoe.martin", "tom.nouveau"];
    assert_eq!(logins("").await, all);
    assert_eq!(logins("?role=Student").await, ["zoe.martin", "tom.nouveau"]);
    assert_eq!(logins("?state=not_activated").await, ["tom.nouveau"]);
    let first = admin.get(&of_school("accounts?limit=4")).await.expect(200).body;
    let next = first["next"].as_str().unwrap();
    assert_eq!(logins(&format!("?limit=4&after={next}")).await, ["zoe.martin", "tom.nouveau"]);
    admin.get(&of_school("accounts?state=asleep")).await.expect_problem(400, "malformed_query");
    admin.get(&of_school("accounts?limit=0")).await.expect_problem(422, "invalid_body");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_account_is_signed_out_and_answers_as_one_that_does_not_exist_until_the_block_is_lifted() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    let pupil = app.signed_in("zoe.martin").await;
    for _ in 0..2 {
        admin.post(&of_account(ZOE, "/block"), &demanded()).await.expect(204);
    }
    pupil.get("/auth/v1/me").await.expect_problem(401, "session_revoked");
    pupil.post("/auth/v1/sessions/refresh", &json!({})).await.expect_problem(401, "session_over");
    let right = sign_in(&app.browser(), "zoe.martin", PASSWORD).await;
    let nobody = sign_in(&app.browser(), "nobody.here", PASSWORD).await;
    assert_eq!((right.status, &right.body), (nobody.status, &nobody.body), "nobody learns of the block");
    assert_eq!((kept(&app, "account_blocked").await, kept(&app, "sessions_revoked").await), (1, 1), "once");
    let code = json!({ "purpose": "reset", "authority": "Principal" });
    let code =
        admin.post(&format!("/auth/v1/people/{ZOE}/codes"), &code).await.expect(201).body["code"].clone();
    let reset = json!({ "login": "zoe.martin", "code": code, "new_password": "tiroir vif bleu" });
    app.browser().post("/auth/v1/password-resets", &reset).await.expect_problem(401, "code_wrong");
    admin.post(&of_account(ZOE, "/unblock"), &demanded()).await.expect(204);
    app.signed_in("zoe.martin").await;
    assert_eq!(kept(&app, "account_unblocked").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_session_of_an_administrator_becomes_no_other_administrator() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    let code = json!({ "purpose": "reset", "authority": "Principal" });
    for person in [ADA, EVA] {
        for act in ["/block", "/unblock"] {
            let refused = admin.post(&of_account(person, act), &demanded()).await;
            refused.expect_problem(403, "administrator_account");
        }
        let refused = admin.post(&format!("/auth/v1/people/{person}/codes"), &code).await;
        refused.expect_problem(403, "administrator_account");
        for role in ["Student", "LocalAdmin"] {
            let change = json!({ "change": "grant", "role": role, "authority": "Principal" });
            let refused = admin.post(&of_account(person, "/role-changes"), &change).await;
            refused.expect_problem(403, "administrator_account");
        }
    }
    for change in ["grant", "end"] {
        let change = json!({ "change": change, "role": "LocalAdmin", "authority": "Principal" });
        let refused = admin.post(&of_account(ZOE, "/role-changes"), &change).await;
        refused.expect_problem(403, "administrator_account");
    }
    for act in ["code_issued", "account_blocked", "account_unblocked", "role_granted", "role_ended"] {
        assert_eq!(kept(&app, act).await, 0, "{act}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reaches_into_another_school_or_acts_without_a_fresh_proof_and_an_authority() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    admin.post(&of_account(LOU, "/block"), &demanded()).await.expect_problem(404, "account_not_found");
    let elsewhere = format!("/auth/v1/schools/{OTHER_SCHOOL}/accounts/{LOU}/block");
    admin.post(&elsewhere, &demanded()).await.expect_problem(404, "school_not_found");
    for (body, status, code) in [
        (json!({}), 400, "malformed_body"),
        (json!({ "authority": "  " }), 422, "invalid_body"),
        (json!({ "authority": "a\nb" }), 422, "invalid_body"),
        (json!({ "authority": "x".repeat(201) }), 422, "invalid_body"),
    ] {
        admin.post(&of_account(ZOE, "/block"), &body).await.expect_problem(status, code);
    }
    let pupil = app.signed_in("zoe.martin").await;
    pupil.get(&of_school("accounts")).await.expect_problem(403, "not_allowed");
    clock.advance(Duration::from_mins(16));
    admin.post("/auth/v1/sessions/refresh", &json!({})).await.expect(200);
    admin::heard(&admin).await;
    admin.get(&of_school("accounts")).await.expect_problem(403, "step_up_required");
    admin.post(&of_account(ZOE, "/block"), &demanded()).await.expect_problem(403, "step_up_required");
    app.signed_in("zoe.martin").await;
}
