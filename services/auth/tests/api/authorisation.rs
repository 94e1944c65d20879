//! Settles who gets what from every route of auth: the table in `snapshots` is the rule, and a route without a row fails.

use auth::Auth;
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use shared::clock::system_clock;
use shared::session::Role;
use shared::testing::{Answer, Asked, Client, Whose, authorisation_table};
use uuid::Uuid;

use crate::app::{App, PASSWORD, sign_in};

const SCHOOL: Uuid = Uuid::from_u128(0xa1);
const OTHER_SCHOOL: Uuid = Uuid::from_u128(0xb1);
/// Asks in every role; a person of the school, and one next door.
const ASKER: Uuid = Uuid::from_u128(0x77);
const COLLEAGUE: Uuid = Uuid::from_u128(1);
const STRANGER: Uuid = Uuid::from_u128(0x88);

/// The school with the asker in it, and a school next door with somebody in it.
async fn start() -> App {
    let app = App::start().await;
    let sql = format!(
        "insert into school values ('{OTHER_SCHOOL}', '0750656F', 'Lycée Autre', 'lycee', 'Paris');
         insert into person (id, source, source_id, given_name, family_name) values
           ('{ASKER}', 'test', '77', 'Noé', 'Petit'), ('{STRANGER}', 'test', '88', 'Lou', 'Loin');
         insert into membership (school_id, person_id, role) select '{SCHOOL}', '{ASKER}', r
           from unnest(array['Student', 'Guardian', 'Teacher', 'Principal', 'SchoolLife', 'Staff', 'LocalAdmin']) r;
         insert into membership (school_id, person_id, role) values ('{OTHER_SCHOOL}', '{STRANGER}', 'Student');
         insert into account (person_id, login) values ('{ASKER}', 'noe.petit'), ('{STRANGER}', 'lou.loin');"
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
    app
}

fn browser(app: &App, role: Option<Role>) -> Client {
    let browser = app.browser();
    match role {
        Some(role) => browser.with_token(app.keys.proved_token(ASKER, &[(SCHOOL, role)])),
        None => browser,
    }
}

/// Parts of the addresses of [`ask_of_credentials`].
const OF_CREDENTIALS: [&str; 6] =
    ["/authenticators", "/recovery-codes", "/enrolments", "/step-up", "/activations", "/password-resets"];

/// The routes by which people prove who they are in another way than by a password; `None` for one without a row.
async fn ask_of_credentials(browser: &Client, route: &str, nobody: &str) -> Option<Answer> {
    let (method, path) = route.split_once(' ')?;
    let body = match (method, path) {
        ("GET", "/auth/v1/authenticators") => return Some(browser.get(path).await),
        ("POST", "/auth/v1/authenticators" | "/auth/v1/recovery-codes") => {
            return Some(browser.send(browser.request(Method::POST, path)).await);
        }
        ("POST", "/auth/v1/sessions/step-up" | "/auth/v1/authenticators/confirmation") => {
            json!({ "totp_code": "000000" })
        }
        ("POST", "/auth/v1/activations" | "/auth/v1/password-resets") => {
            json!({ "login": nobody, "code": "0000-0000-0000", "new_password": "tiroir vif" })
        }
        ("POST", "/auth/v1/enrolments") => json!({ "login": nobody, "code": "0000-0000-0000" }),
        ("POST", "/auth/v1/enrolments/confirmation") => {
            json!({ "login": nobody, "code": "0000-0000-0000", "totp_code": "000000" })
        }
        _ => return None,
    };
    Some(browser.post(path, &body).await)
}

async fn ask(app: &App, route: &str, role: Option<Role>, whose: Whose) -> Asked {
    let browser = browser(app, role);
    let (school, person) = match whose {
        Whose::Own => (SCHOOL, ASKER),
        Whose::SameSchool => (SCHOOL, COLLEAGUE),
        Whose::OtherSchool => (OTHER_SCHOOL, STRANGER),
    };
    if let Some(asked) = ask_administration(&browser, route, whose, (school, person)).await {
        return asked;
    }
    let is_own = whose == Whose::Own;
    // Everybody types a name of their own, since what is typed wrong is counted by name.
    let nobody = format!("nobody.{}", role.map_or("at-all", Role::name));
    let answer: Answer = match route {
        "GET /auth/v1/schools/{school_id}" if whose != Whose::SameSchool => {
            browser.get(&format!("/auth/v1/schools/{school}")).await
        }
        "GET /auth/v1/schools/{school_id}/people" if whose != Whose::SameSchool => {
            browser.get(&format!("/auth/v1/schools/{school}/people")).await
        }
        "GET /auth/v1/people/{person_id}" => browser.get(&format!("/auth/v1/people/{person}")).await,
        // Sessions are found by their person and id only: anybody else's is like one that never was.
        "DELETE /auth/v1/sessions/{sid}" => {
            browser.delete(&format!("/auth/v1/sessions/{}", Uuid::from_u128(0xdead))).await
        }
        route if OF_CREDENTIALS.iter().any(|part| route.contains(part)) => {
            if !is_own {
                return Asked::NoSense;
            }
            match ask_of_credentials(&browser, route, &nobody).await {
                Some(answer) => answer,
                None => return Asked::NoRow,
            }
        }
        "GET /auth/v1/me" if is_own => browser.get("/auth/v1/me").await,
        "GET /auth/v1/waiting-room" if is_own => browser.get("/auth/v1/waiting-room").await,
        "GET /auth/v1/sessions" if is_own => browser.get("/auth/v1/sessions").await,
        "DELETE /auth/v1/sessions" if is_own => browser.delete("/auth/v1/sessions").await,
        "DELETE /auth/v1/sessions/current" if is_own => browser.delete("/auth/v1/sessions/current").await,
        "POST /auth/v1/sessions" if is_own => sign_in(&browser, "zoe.martin", PASSWORD).await,
        "POST /auth/v1/sessions/refresh" if is_own => {
            browser.send(browser.request(Method::POST, "/auth/v1/sessions/refresh").json(&json!({}))).await
        }
        "POST /auth/v1/people/{person_id}/codes" => {
            let body = json!({ "purpose": "reset", "authority": "Principal" });
            browser.post(&format!("/auth/v1/people/{person}/codes"), &body).await
        }
        "GET /auth/v1/schools/{school_id}"
        | "GET /auth/v1/schools/{school_id}/people"
        | "GET /auth/v1/me"
        | "GET /auth/v1/waiting-room"
        | "GET /auth/v1/sessions"
        | "DELETE /auth/v1/sessions"
        | "DELETE /auth/v1/sessions/current"
        | "POST /auth/v1/sessions"
        | "POST /auth/v1/sessions/refresh" => return Asked::NoSense,
        _ => return Asked::NoRow,
    };
    status(&answer)
}

fn status(answer: &Answer) -> Asked {
    assert!(
        answer.status < 500 || answer.body.pointer("/code") != Some(&Value::from("internal_error")),
        "{answer:?}"
    );
    Asked::Status(answer.status)
}

/// The routes of administrators: of a school, or of somebody there.
async fn ask_administration(
    browser: &Client,
    route: &str,
    whose: Whose,
    (school, person): (Uuid, Uuid),
) -> Option<Asked> {
    let (method, path) = route.split_once(' ')?;
    let ends_at = system_clock().utc() + TimeDelta::hours(1);
    let body = match path.strip_prefix("/auth/v1/schools/{school_id}/")? {
        "accounts/{person_id}/role-changes" => json!({ "change": "grant", "role": "Guardian" }),
        "campaigns/{campaign_id}" if method == "PUT" => json!({ "purpose": "activation", "role": "Student" }),
        "switches" if method == "POST" => {
            json!({ "effect": { "kind": "sign_in_closed", "role": "Staff" }, "ends_at": ends_at })
        }
        "accounts" | "accounts/{person_id}" | "campaigns" | "campaigns/{campaign_id}" | "switches" => {
            Value::Null
        }
        "accounts/{person_id}/block"
        | "accounts/{person_id}/unblock"
        | "campaigns/{campaign_id}/sheets/{number}/print"
        | "switches/{switch_id}/end" => json!({}),
        _ => return None,
    };
    if whose == Whose::SameSchool && !path.contains("{person_id}") {
        return Some(Asked::NoSense);
    }
    let path = path.replace("{school_id}", &school.to_string()).replace("{person_id}", &person.to_string());
    let none = Uuid::from_u128(0xdead).to_string();
    let path = path.replace("{campaign_id}", &none).replace("{switch_id}", &none).replace("{number}", "9");
    let mut request = browser.request(method.parse().unwrap(), &path);
    if let Value::Object(mut body) = body {
        body.insert("authority".to_owned(), json!("Principal"));
        request = request.json(&body);
    }
    Some(status(&browser.send(request).await))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_gets_what_the_table_says_and_nothing_else() {
    let app = start().await;
    let table =
        authorisation_table::<Auth>(async |route, role, whose| ask(&app, route, role, whose).await).await;
    insta::assert_snapshot!(table);
}
