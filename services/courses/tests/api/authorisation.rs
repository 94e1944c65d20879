//! Settles who gets what from every route of courses: the table in `snapshots` is the rule, and a route without a row fails.

use courses::Courses;
use reqwest::Method;
use serde_json::json;
use shared::session::Role;
use shared::testing::{Asked, Client, Whose, authorisation_table};

use crate::app::{App, LATIN, MATHS, SCHOOL, Who};

/// The course of the school next door.
const ENGLISH_NEXT_DOOR: uuid::Uuid = uuid::Uuid::from_u128(0xc4);

/// Who asks in each role: the pupil, guardian and teacher of the mathematics course, and personnel that teaches nothing.
fn who(role: Role) -> Who {
    match role {
        Role::Student => Who::PUPIL,
        Role::Guardian => Who::GUARDIAN,
        Role::Teacher => Who::TEACHER,
        Role::Principal => Who::PRINCIPAL,
        Role::SchoolLife | Role::Staff | Role::LocalAdmin => Who(20, SCHOOL, role),
    }
}

async fn ask(app: &App, route: &str, role: Option<Role>, whose: Whose) -> Asked {
    let browser: Client = role.map_or_else(|| app.courses.client(), |role| app.browser(who(role)));
    let course = match whose {
        Whose::Own => MATHS,
        Whose::SameSchool => LATIN,
        Whose::OtherSchool => ENGLISH_NEXT_DOOR,
    };
    let answer = match route {
        "GET /courses/v1/home" if whose == Whose::Own => browser.get("/courses/v1/home").await,
        "GET /courses/v1/home" => return Asked::NoSense,
        "GET /courses/v1/courses/{id}" => browser.get(&format!("/courses/v1/courses/{course}")).await,
        "POST /courses/v1/courses/{id}/homework" => {
            let body = json!({ "title": "A", "instructions": "", "due_on": "2026-09-10" });
            let key = format!("{role:?}-{whose:?}");
            let path = format!("/courses/v1/courses/{course}/homework");
            browser
                .send(browser.request(Method::POST, &path).header("Idempotency-Key", key).json(&body))
                .await
        }
        _ => return Asked::NoRow,
    };
    Asked::Status(answer.status)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_gets_what_the_table_says_and_nothing_else() {
    let app = App::start().await;
    let table =
        authorisation_table::<Courses>(async |route, role, whose| ask(&app, route, role, whose).await).await;
    insta::assert_snapshot!(table);
}
