//! Settles that a campaign reaches everybody it names and nobody else, goes on after a crash, and shows each code once.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use shared::testing::{Answer, Client, FaultProxy, ManualClock, Running, eventually};

use crate::admin::{self, ADA, ANNE, EVA, LOU, PAUL, TOM, ZOE, kept, of_account, of_school};
use crate::app::{App, PASSWORD, config, insert_pupils, sign_in};

const CAMPAIGN: &str = "00000000-0000-0000-0000-00000000ca11";
const NEW: &str = "tiroir vif bleu";

fn path(rest: &str) -> String {
    of_school(&format!("campaigns/{CAMPAIGN}{rest}"))
}

async fn begin(admin: &Client, body: &Value) -> Answer {
    admin.send(admin.request(Method::PUT, &path("")).json(body)).await
}

fn classes(purpose: &str, classes: &[(&str, &[&str])]) -> Value {
    let group = |(heading, people): &(&str, &[&str])| json!({ "heading": heading, "people": people });
    let groups: Vec<Value> = classes.iter().map(group).collect();
    json!({ "purpose": purpose, "groups": groups, "authority": "Principal" })
}

async fn progress(admin: &Client) -> Value {
    admin.get(&path("")).await.expect(200).body
}

/// Until nobody waits.
async fn worked_off(admin: &Client) -> Value {
    let sum = |progress: &Value| -> i64 {
        let sheets = progress["sheets"].as_array().unwrap().clone();
        sheets.iter().map(|sheet| sheet["waiting"].as_i64().unwrap()).sum()
    };
    eventually("nobody waits", async || sum(&progress(admin).await) == 0).await;
    progress(admin).await
}

async fn print(admin: &Client, sheet: i64, again: bool) -> (u16, String) {
    let body = json!({ "again": again, "authority": "Principal" });
    let request = admin.request(Method::POST, &path(&format!("/sheets/{sheet}/print"))).json(&body);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    if status == 200 {
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    }
    (status, answer.text().await.unwrap())
}

/// The code on the card of a login.
fn code_of(sheet: &str, login: &str) -> Option<String> {
    let card = sheet.split("<li>").find(|card| card.contains(&format!("<dd>{login}</dd>")))?;
    let code = card.split("class=\"code\">").nth(1)?;
    Some(code[..14].to_owned())
}

async fn redeem(app: &App, route: &str, login: &str, code: &str) -> Answer {
    let body = json!({ "login": login, "code": code, "new_password": NEW });
    app.browser().post(&format!("/auth/v1/{route}"), &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_campaign_makes_old_passwords_worth_nothing_and_prints_a_sheet_per_class() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    let (pupil, parent) = (app.signed_in("zoe.martin").await, app.signed_in("anne.martin").await);
    let body = classes("reset", &[("3e A", &[ZOE, TOM]), ("3e B", &[ANNE, ZOE])]);
    begin(&admin, &body).await.expect(202);
    let done = worked_off(&admin).await;
    let sheets = json!([
        { "number": 1, "heading": "3e A", "waiting": 0, "ready": 2, "printings": 0 },
        { "number": 2, "heading": "3e B", "waiting": 0, "ready": 1, "printings": 0 },
    ]);
    assert_eq!((&done["sheets"], &done["left_out"]), (&sheets, &json!([])));
    for browser in [&pupil, &parent] {
        eventually("they are signed out", async || {
            browser.get("/auth/v1/me").await.code() == "session_revoked"
        })
        .await;
    }
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect_problem(403, "password_reset_required");
    let (status, sheet) = print(&admin, 1, false).await;
    assert_eq!(status, 200);
    let all = admin.get(&of_school("campaigns")).await.expect(200).body;
    assert_eq!(all["campaigns"].as_array().unwrap().len(), 1);
    let listed = &all["campaigns"][0];
    assert_eq!((&listed["id"], &listed["authority"]), (&json!(CAMPAIGN), &json!("Principal")));
    assert_eq!(
        (&listed["sheets"], &listed["printed"], &listed["waiting"]),
        (&json!(2), &json!(1), &json!(0))
    );
    for expected in ["<h1>3e A</h1>", "Collège Test : 2 cartes", "15 septembre à 8 h 00", "https://ent.test"]
    {
        assert!(sheet.contains(expected), "{expected}: {sheet}");
    }
    assert_eq!(code_of(&sheet, "anne.martin"), None, "of the other class");
    let code = code_of(&sheet, "zoe.martin").unwrap();
    redeem(&app, "password-resets", "zoe.martin", &code).await.expect(204);
    sign_in(&app.browser(), "zoe.martin", NEW).await.expect(201);
    for (act, times) in [("campaign_begun", 1), ("resets_forced", 1), ("sheet_printed", 1)] {
        assert_eq!(kept(&app, act).await, times, "{act}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_that_failed_to_print_is_printed_again_with_other_codes_for_whoever_needs_one() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    begin(&admin, &classes("reset", &[("3e A", &[ZOE, ANNE])])).await.expect(202);
    worked_off(&admin).await;
    let (_, first) = print(&admin, 1, false).await;
    let (status, refusal) = print(&admin, 1, false).await;
    assert!(status == 409 && refusal.contains("sheet_printed"), "{refusal}");
    let (zoe, anne) = (code_of(&first, "zoe.martin").unwrap(), code_of(&first, "anne.martin").unwrap());
    redeem(&app, "password-resets", "zoe.martin", &zoe).await.expect(204);
    let (status, second) = print(&admin, 1, true).await;
    assert_eq!((status, code_of(&second, "zoe.martin")), (200, None), "she has a password");
    redeem(&app, "password-resets", "anne.martin", &anne).await.expect_problem(401, "code_wrong");
    let anne = code_of(&second, "anne.martin").unwrap();
    redeem(&app, "password-resets", "anne.martin", &anne).await.expect(204);
    let sheet = &progress(&admin).await["sheets"][0];
    assert_eq!((&sheet["printings"], &sheet["printed_at"]), (&json!(2), &json!("2026-09-01T06:00:00Z")));
    let (status, _) = print(&admin, 2, false).await;
    assert_eq!(status, 404);
    let hashes = app.database.connect().await.query("select code_hash from account_code", &[]).await.unwrap();
    let codes = [&first, &second].map(|sheet| code_of(sheet, "anne.martin").unwrap().replace('-', ""));
    assert!(hashes.iter().all(|row| !codes.contains(&row.get(0))) && hashes.len() == 3, "hashes only");
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_those_who_are_excepted_and_those_who_need_none_get_no_code() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    admin.post(&of_account(ANNE, "/block"), &json!({ "authority": "Principal" })).await.expect(204);
    let mut body = classes("activation", &[("Tous", &[ZOE, TOM, ANNE, ADA, EVA, PAUL])]);
    body["except"] = json!([PAUL]);
    begin(&admin, &body).await.expect(202);
    let done = worked_off(&admin).await;
    let left_out = json!([
        { "person_id": ZOE, "because": "activated" },
        { "person_id": ADA, "because": "administrator" },
        { "person_id": EVA, "because": "administrator" },
        { "person_id": ANNE, "because": "blocked" },
    ]);
    assert_eq!(done["left_out"], left_out);
    let (_, sheet) = print(&admin, 1, false).await;
    assert!(sheet.contains("Activer mon compte"));
    for login in ["zoe.martin", "ada.admin", "eva.autre", "anne.martin", "paul.durand"] {
        assert_eq!(code_of(&sheet, login), None, "{login}");
    }
    let code = code_of(&sheet, "tom.nouveau").unwrap();
    redeem(&app, "activations", "tom.nouveau", &code).await.expect(204);
    sign_in(&app.browser(), "zoe.martin", PASSWORD).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_became_an_administrator_before_the_sheet_is_printed_is_not_on_it() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    begin(&admin, &classes("reset", &[("3e A", &[ZOE, ANNE])])).await.expect(202);
    worked_off(&admin).await;
    let sql = format!(
        "insert into membership select school_id, person_id, 'LocalAdmin' from membership where person_id = '{ZOE}'"
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
    let (_, sheet) = print(&admin, 1, false).await;
    assert_eq!((code_of(&sheet, "zoe.martin"), code_of(&sheet, "anne.martin").is_some()), (None, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_twice_is_one_campaign_and_one_that_cannot_be_changes_nothing() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    begin(&admin, &classes("reset", &[("3e A", &[ZOE, LOU])])).await.expect_problem(422, "not_of_the_school");
    admin.get(&path("")).await.expect_problem(404, "campaign_not_found");
    let role_and_groups = {
        let mut body = classes("reset", &[("3e A", &[ZOE])]);
        body["role"] = json!("Student");
        body
    };
    begin(&admin, &role_and_groups).await.expect_problem(422, "invalid_body");
    begin(&admin, &classes("reset", &[("", &[ZOE])])).await.expect_problem(422, "invalid_body");
    begin(&admin, &classes("reset", &[])).await.expect_problem(422, "invalid_body");
    app.signed_in("zoe.martin").await;
    for _ in 0..2 {
        begin(&admin, &classes("reset", &[("3e A", &[ZOE])])).await.expect(202);
    }
    begin(&admin, &classes("reset", &[("3e A", &[TOM])])).await.expect_problem(409, "other_campaign");
    worked_off(&admin).await;
    assert_eq!((kept(&app, "campaign_begun").await, kept(&app, "resets_forced").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_goes_on_in_another_instance_where_one_died_in_the_middle_of_a_batch() {
    let clock = ManualClock::default();
    let (app, _) = admin::start(&clock).await;
    insert_pupils(&app, 120).await;
    let own = app.database.config();
    let proxy = FaultProxy::in_front_of(&format!("{}:{}", own.host, own.port)).await;
    let mut behind = config(&app.database, &app.keys, json!({}));
    behind.postgres.port = proxy.address().port();
    let app = App { auth: Running::start(behind, Arc::new(clock.clone())), ..app };
    clock.advance(Duration::from_secs(30));
    let admin = admin::sign_in(&app, &clock).await;
    admin::heard(&admin).await;
    // Somebody else holds an account of the third batch.
    let mut holder = app.database.connect().await;
    let held = holder.transaction().await.unwrap();
    held.execute("select 1 from account where login = 'pupil.110' for update", &[]).await.unwrap();
    let body = json!({ "purpose": "reset", "role": "Student", "authority": "Principal" });
    let begun = begin(&admin, &body).await.expect(202).body;
    assert_eq!(begun["sheets"].as_array().unwrap().len(), 4, "122 pupils, 40 on a sheet");
    assert_eq!(begun["sheets"][0]["heading"], "Élèves 1");
    let database = app.database.connect().await;
    let count = async |sql: &str| database.query_one(sql, &[]).await.unwrap().get::<_, i64>(0);
    let ready = "select count(*) from campaign_member where state = 'ready'";
    eventually("two batches are done", async || count(ready).await == 100).await;
    let waiting = progress(&admin).await["sheets"].as_array().unwrap().clone();
    let waiting = waiting.iter().find(|sheet| sheet["waiting"] != 0).unwrap()["number"].as_i64().unwrap();
    let (status, refusal) = print(&admin, waiting, false).await;
    assert!(status == 409 && refusal.contains("sheet_not_ready"), "{refusal}");
    proxy.break_connections();
    // Or the batch, let go too early, is committed over a connection that is about to break.
    eventually("all connections are broken", async || proxy.counts().open == 0).await;
    held.rollback().await.unwrap();
    assert_eq!(count(ready).await, 100);
    let other =
        Running::<auth::Auth>::start(config(&app.database, &app.keys, json!({})), Arc::new(clock.clone()));
    eventually("all are done", async || count(ready).await == 122).await;
    assert_eq!(count("select count(*) from revocation where person_id is not null").await, 122, "each once");
    assert_eq!(count("select count(*) from account where reset_forced_at is not null").await, 122);
    assert_eq!(kept(&app, "resets_forced").await, 3);
    proxy.restore();
    drop(other);
}
