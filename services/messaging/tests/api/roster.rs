//! Settles that messaging learns classes from courses and people from auth, and goes on sending when both are gone.

use serde_json::{Value, json};
use shared::feed::{Change, Page};
use shared::testing::eventually;
use wiremock::matchers::{path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::app::{App, CLASS, SCHOOL, Who, to_class};

fn change(position: i64, kind: &str, body: Value) -> Change {
    Change { position, kind: kind.to_owned(), key: position.to_string(), deleted: false, body }
}

async fn serve(sibling: &MockServer, changes: Vec<Change>) {
    let published = i64::try_from(changes.len()).unwrap();
    for (after, changes) in [(0, changes), (published, vec![])] {
        Mock::given(path("/internal/v1/changes"))
            .and(query_param("after", after.to_string()))
            .respond_with(ResponseTemplate::new(200).set_body_json(Page { changes, published }))
            .mount(sibling)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_siblings_published_is_enough_to_write_to_a_class_without_them() {
    let (auth, courses) = (MockServer::start().await, MockServer::start().await);
    let member = |person: Who| json!({ "school_id": SCHOOL, "person_id": person.id(), "role": person.2 });
    let guardianship =
        json!({ "school_id": SCHOOL, "student_id": Who::PUPIL.id(), "guardian_id": Who::GUARDIAN.id() });
    serve(
        &auth,
        vec![
            change(1, "membership", member(Who::PUPIL)),
            change(2, "membership", member(Who::TEACHER)),
            change(3, "membership", member(Who::GUARDIAN)),
            change(4, "guardianship", guardianship),
        ],
    )
    .await;
    let enrolment = |person: Who, part: &str| json!({ "school_id": SCHOOL, "group_id": CLASS, "person_id": person.id(), "part": part });
    let class = json!({ "school_id": SCHOOL, "id": CLASS, "kind": "class", "name": "3eA" });
    serve(
        &courses,
        vec![
            change(1, "student_group", class),
            change(2, "enrolment", enrolment(Who::PUPIL, "student")),
            change(3, "enrolment", enrolment(Who::TEACHER, "teacher")),
        ],
    )
    .await;
    let app = App::start_beside(&auth.uri(), &courses.uri()).await;
    eventually("both feeds are applied", async || {
        let status = app.messaging.internal_client().get("/statusz").await.body;
        status["projections"]["auth"]["applied"] == 4 && status["projections"]["courses"]["applied"] == 3
    })
    .await;
    drop((auth, courses));
    let sent = app.send(Who::TEACHER, to_class(CLASS, &["student", "guardian"])).await.expect(201);
    assert_eq!(sent.body["recipient_count"], 2);
    assert_eq!(app.unread(Who::GUARDIAN).await, 1);
}
