//! Settles who may open a course.

use uuid::Uuid;

use crate::app::{App, FRENCH, LATIN, MATHS, Who};

async fn open(app: &App, who: Who, course: Uuid) -> shared::testing::Answer {
    app.browser(who).get(&format!("/courses/v1/courses/{course}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn its_page_shows_the_course_and_its_homework() {
    let app = App::start().await;
    insta::assert_json_snapshot!(open(&app, Who::TEACHER, MATHS).await.expect(200).body);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sees_the_group_may_open_the_course() {
    let app = App::start().await;
    let table = [
        (Who::PUPIL, MATHS, 200),
        (Who::PUPIL, LATIN, 404),
        (Who::OTHER_PUPIL, LATIN, 200),
        (Who::OTHER_PUPIL, MATHS, 404),
        (Who::GUARDIAN, FRENCH, 200),
        (Who::GUARDIAN, LATIN, 404),
        (Who::TEACHER, FRENCH, 200),
        (Who::TEACHER, LATIN, 404),
        (Who::PRINCIPAL, LATIN, 200),
        (Who::STRANGER, MATHS, 404),
        (Who::PUPIL, Uuid::nil(), 404),
    ];
    for (who, course, status) in table {
        let answer = open(&app, who, course).await;
        assert_eq!(answer.status, status, "{:?} {course}: {answer:?}", who.2);
        assert!(status == 200 || answer.code() == "course_not_found", "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_no_id_names_nothing() {
    let app = App::start().await;
    app.browser(Who::PUPIL).get("/courses/v1/courses/1").await.expect_problem(404, "not_found");
}
