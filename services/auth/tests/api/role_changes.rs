//! Settles that a role that ends is worth nothing at once, and that siblings hear of every change.

use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::Clock;
use shared::testing::{Answer, Client, ManualClock};

use crate::admin::{self, ANNE, LOU, PAUL, SCHOOL, ZOE, kept, of_account};
use crate::app::{App, claims};

async fn change(admin: &Client, person: &str, change: &str, role: &str) -> Answer {
    let body = json!({ "change": change, "role": role, "authority": "Principal" });
    admin.post(&of_account(person, "/role-changes"), &body).await
}

/// Kind, key and whether it is gone, of what the feed says.
async fn feed(app: &App) -> Vec<(String, String, bool)> {
    let sql = "select kind, key, deleted from change_feed order by id";
    let rows = app.database.connect().await.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

fn roles(browser: &Client) -> Vec<Value> {
    claims(browser)["mem"].as_array().unwrap().iter().map(|membership| membership["role"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_ends_is_taken_from_tokens_that_are_out_and_from_the_next_ones() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    let head = app.browser();
    let code = admin::one_time_code(&clock);
    let body = json!({ "login": "paul.durand", "password": crate::app::PASSWORD, "totp_code": code });
    head.post("/auth/v1/sessions", &body).await.expect(201);
    assert_eq!(roles(&head), ["Principal", "Teacher"]);
    let seen = async |browser: &Client| browser.get(&format!("/auth/v1/people/{ZOE}")).await.status;
    assert_eq!(seen(&head).await, 200);
    for _ in 0..2 {
        change(&admin, PAUL, "end", "Teacher").await.expect(204);
    }
    assert_eq!(seen(&head).await, 401, "the token says too much");
    head.post("/auth/v1/sessions/refresh", &json!({})).await.expect(200);
    assert_eq!((roles(&head), seen(&head).await), (vec![json!("Principal")], 200), "the session goes on");
    change(&admin, PAUL, "end", "Principal").await.expect(204);
    head.get("/auth/v1/me").await.expect_problem(401, "session_revoked");
    head.post("/auth/v1/sessions/refresh", &json!({})).await.expect(200);
    assert_eq!((roles(&head), seen(&head).await), (vec![], 404));
    assert_eq!((kept(&app, "role_ended").await, kept(&app, "sessions_revoked").await), (2, 2));
    let gone = |role: &str| ("membership".to_owned(), format!("{SCHOOL}:{PAUL}:{role}"), true);
    assert_eq!(feed(&app).await, [gone("Teacher"), gone("Principal")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_given_to_people_of_the_school_only_and_comes_back_after_its_end() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    change(&admin, LOU, "grant", "Student").await.expect_problem(404, "account_not_found");
    // On a device that knows her: on a new one personnel need an authenticator.
    let anne = app.signed_in("anne.martin").await;
    for _ in 0..2 {
        change(&admin, ANNE, "grant", "Staff").await.expect(204);
    }
    assert_eq!(kept(&app, "role_granted").await, 1, "the same again changes nothing");
    anne.post("/auth/v1/sessions/refresh", &json!({})).await.expect(200);
    assert_eq!(roles(&anne), ["Guardian", "Staff"]);
    change(&admin, ANNE, "end", "Staff").await.expect(204);
    change(&admin, ANNE, "grant", "Staff").await.expect(204);
    anne.post("/auth/v1/sessions/refresh", &json!({})).await.expect(200);
    assert_eq!(roles(&anne), ["Guardian", "Staff"], "the end before does not end it");
    let staff = |deleted| ("membership".to_owned(), format!("{SCHOOL}:{ANNE}:Staff"), deleted);
    assert_eq!(feed(&app).await, [staff(false), staff(true), staff(false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_makes_no_head_of_an_account_that_they_can_open() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    change(&admin, ANNE, "grant", "Principal").await.expect_problem(403, "administrator_account");
    // What is left to a thief with that session is the account of somebody who is the head already: it is told by its age.
    let asked = json!({ "purpose": "reset", "authority": "Principal" });
    let code =
        admin.post(&format!("/auth/v1/people/{PAUL}/codes"), &asked).await.expect(201).body["code"].clone();
    let reset = json!({ "login": "paul.durand", "code": code, "new_password": "tiroir vif bleu nuit" });
    clock.advance(Duration::from_mins(5));
    let thief = app.browser();
    thief.post("/auth/v1/password-resets", &reset).await.expect(204);
    let totp_code = admin::one_time_code(&clock);
    let body = json!({ "login": "paul.durand", "password": "tiroir vif bleu nuit", "totp_code": totp_code });
    thief.post("/auth/v1/sessions", &body).await.expect(201);
    assert_eq!(roles(&thief), ["Principal", "Teacher"]);
    assert_eq!(claims(&thief)["dev_since"], clock.unix_seconds(), "too new to decide in messaging");
    assert_eq!(kept(&app, "role_granted").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn guardianships_end_with_the_role_that_they_stand_on() {
    let clock = ManualClock::default();
    let (app, admin) = admin::start(&clock).await;
    change(&admin, ANNE, "end", "Guardian").await.expect(204);
    let key = format!("{SCHOOL}:{ZOE}:{ANNE}");
    assert_eq!(feed(&app).await.last().unwrap(), &("guardianship".to_owned(), key, true));
    let left = app.database.connect().await.query("select 1 from guardianship", &[]).await.unwrap();
    assert!(left.is_empty());
}
