//! Settles who gives homework, and for when.

use std::sync::Arc;

use courses::Courses;
use serde_json::{Value, json};
use shared::testing::{Client, ManualClock, Running, eventually};

use crate::app::{App, MATHS, Who};

fn homework(due_on: &str) -> Value {
    json!({ "title": "Exercice 7", "instructions": "Page 15,\nen entier.", "due_on": due_on })
}

fn address() -> String {
    format!("/courses/v1/courses/{MATHS}/homework")
}

async fn finds(pupil: &Client, homework: &Value) -> bool {
    let home = pupil.get("/courses/v1/home").await.expect(200).body;
    home["homework"].as_array().unwrap().iter().any(|item| item["id"] == *homework)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_teacher_gives_is_at_home_at_once_and_on_every_instance_soon() {
    let app = App::start().await;
    let other = Running::<Courses>::start(app.config.clone(), Arc::new(ManualClock::default()));
    let (here, there) = (app.browser(Who::PUPIL), app.browser_at(&other, Who::PUPIL));
    here.get("/courses/v1/home").await.expect(200);
    there.get("/courses/v1/home").await.expect(200);
    let given = app.browser(Who::TEACHER).post(&address(), &homework("2026-09-10")).await.expect(201);
    assert!(finds(&here, &given.body["id"]).await, "at once where it was given");
    eventually("the other instance hears of it", async || finds(&there, &given.body["id"]).await).await;
    let page = here.get(&format!("/courses/v1/courses/{MATHS}")).await.expect(200).body;
    assert_eq!(page["homework"][0]["title"], "Exercice 7");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_teacher_of_the_course_gives_homework() {
    let app = App::start().await;
    for (who, status, code) in [
        (Who::PUPIL, 403, "not_allowed"),
        (Who::GUARDIAN, 403, "not_allowed"),
        (Who::OTHER_TEACHER, 403, "not_allowed"),
        (Who::PRINCIPAL, 403, "not_allowed"),
        (Who::STRANGER, 404, "course_not_found"),
    ] {
        app.browser(who).post(&address(), &homework("2026-09-10")).await.expect_problem(status, code);
    }
    app.courses
        .client()
        .post(&address(), &homework("2026-09-10"))
        .await
        .expect_problem(401, "sign_in_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_and_texts_out_of_bounds_are_refused_by_name() {
    let app = App::start().await;
    let teacher = app.browser(Who::TEACHER);
    for (body, status, code) in [
        (homework("2026-08-31"), 422, "due_date_out_of_range"),
        (homework("2027-09-02"), 422, "due_date_out_of_range"),
        (homework("2026-02-30"), 400, "malformed_body"),
        (json!({ "title": "", "instructions": "", "due_on": "2026-09-10" }), 422, "invalid_body"),
        (json!({ "title": "a\u{0}", "instructions": "", "due_on": "2026-09-10" }), 422, "invalid_body"),
    ] {
        teacher.post(&address(), &body).await.expect_problem(status, code);
    }
}
