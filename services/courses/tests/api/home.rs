//! Settles what each role finds at home: their own, their children's, or the school they lead.

use serde_json::Value;

use crate::app::{App, Who};

async fn home(app: &App, who: Who) -> Value {
    app.browser(who).get("/courses/v1/home").await.expect(200).body
}

fn names<'a>(home: &'a Value, list: &str, field: &str) -> Vec<&'a str> {
    home[list].as_array().unwrap().iter().map(|item| item[field].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pupil_finds_class_courses_and_what_is_due() {
    let app = App::start().await;
    insta::assert_json_snapshot!(home(&app, Who::PUPIL).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardian_finds_what_the_child_finds() {
    let app = App::start().await;
    assert_eq!(home(&app, Who::GUARDIAN).await, home(&app, Who::PUPIL).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teacher_finds_what_they_teach_and_not_what_colleagues_teach_in_the_same_class() {
    let app = App::start().await;
    let found = home(&app, Who::TEACHER).await;
    assert_eq!(names(&found, "groups", "name"), ["3eA"]);
    assert_eq!(names(&found, "courses", "subject"), ["Mathématiques"]);
    assert_eq!(names(&found, "homework", "title"), ["Exercices 4 et 5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_finds_every_group_and_course_of_the_school_and_nobody_elses_homework() {
    let app = App::start().await;
    let found = home(&app, Who::PRINCIPAL).await;
    assert_eq!(names(&found, "groups", "name"), ["3eA", "3e Latin"]);
    assert_eq!(names(&found, "courses", "subject"), ["Latin", "Français", "Mathématiques"]);
    assert!(names(&found, "homework", "title").is_empty());
    assert_eq!(names(&home(&app, Who::STRANGER).await, "groups", "name"), ["3eB"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_finds_nothing() {
    let app = App::start().await;
    app.courses.client().get("/courses/v1/home").await.expect_problem(401, "sign_in_required");
}
