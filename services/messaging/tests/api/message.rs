//! Settles what sending does: everybody of the audience receives it, nobody else does, and the rules say who may.

use serde_json::json;
use uuid::Uuid;

use crate::app::{App, CLASS, OTHER_CLASS, SCHOOL, Who, to_class};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_a_class_reaches_its_people_once_and_not_its_sender() {
    let app = App::start().await;
    let sent = app.send(Who::TEACHER, to_class(CLASS, &["student", "teacher", "guardian"])).await.expect(201);
    assert_eq!(sent.body["recipient_count"], 3);
    for (who, expected) in [
        (Who::PUPIL, 1),
        (Who::CLASSMATE, 1),
        (Who::GUARDIAN, 1),
        (Who::TEACHER, 0),
        (Who::OTHER_PUPIL, 0),
        (Who::PRINCIPAL, 0),
    ] {
        assert_eq!(app.inbox(who).await.len(), expected, "{}", who.0);
        assert_eq!(app.unread(who).await, i64::try_from(expected).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_are_asked_for_every_audience() {
    let app = App::start().await;
    let role = |school: Uuid, role: &str| json!({ "kind": "role", "school_id": school, "role": role });
    let people = |ids: &[u128]| {
        let ids: Vec<Uuid> = ids.iter().map(|id| Uuid::from_u128(*id)).collect();
        json!({ "kind": "people", "school_id": SCHOOL, "ids": ids })
    };
    let class =
        |id: Uuid, parts: &[&str]| json!({ "kind": "group", "school_id": SCHOOL, "id": id, "parts": parts });
    let table = [
        (Who::PUPIL, class(CLASS, &["student", "teacher"]), 201, ""),
        (Who::PUPIL, class(CLASS, &["guardian"]), 403, "not_allowed"),
        (Who::PUPIL, class(OTHER_CLASS, &["student"]), 403, "not_allowed"),
        (Who::PUPIL, role(SCHOOL, "Student"), 403, "not_allowed"),
        (Who::PUPIL, people(&[2, 4]), 201, ""),
        (Who::PUPIL, people(&[2, 8]), 403, "not_allowed"),
        (Who::GUARDIAN, class(CLASS, &["teacher"]), 201, ""),
        (Who::GUARDIAN, class(CLASS, &["student"]), 403, "not_allowed"),
        (Who::GUARDIAN, people(&[4, 6]), 201, ""),
        (Who::GUARDIAN, people(&[5]), 403, "not_allowed"),
        (Who::GUARDIAN, role(SCHOOL, "Principal"), 201, ""),
        (Who::TEACHER, class(OTHER_CLASS, &["student"]), 201, ""),
        (Who::PRINCIPAL, role(SCHOOL, "Student"), 201, ""),
        (Who::PRINCIPAL, people(&[1, 7]), 422, "unknown_recipient"),
        (Who::PRINCIPAL, class(Uuid::nil(), &["student"]), 404, "group_not_found"),
        (Who::PRINCIPAL, role(SCHOOL, "SchoolLife"), 422, "no_recipients"),
        (Who::STRANGER, role(SCHOOL, "Student"), 403, "not_allowed"),
        (Who::STRANGER, class(CLASS, &["student"]), 403, "not_allowed"),
        (Who::STRANGER, people(&[1]), 403, "not_allowed"),
    ];
    for (who, audience, status, code) in table {
        let answer = app.send(who, json!({ "subject": "S", "body": "B", "audience": audience })).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{} to {audience}: {answer:?}", who.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_leaves_nothing_behind() {
    let app = App::start().await;
    app.send(Who::PUPIL, to_class(OTHER_CLASS, &["student"])).await.expect_problem(403, "not_allowed");
    let empty = json!({ "kind": "role", "school_id": SCHOOL, "role": "SchoolLife" });
    let message = json!({ "subject": "S", "body": "B", "audience": empty });
    app.send(Who::PRINCIPAL, message).await.expect_problem(422, "no_recipients");
    let database = app.database.connect().await;
    let count = "select (select count(*) from thread) + (select count(*) from message) + (select count(*) from delivery)";
    assert_eq!(database.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_why() {
    let app = App::start().await;
    let refused = app.send(Who::GUARDIAN, to_class(CLASS, &["student"])).await.expect(403);
    assert!(
        refused.body["detail"].as_str().unwrap().contains("Guardians of this school do not write to pupils"),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_messages_are_refused_by_name() {
    let app = App::start().await;
    let with = |field: &str, value: serde_json::Value| {
        let mut message = to_class(CLASS, &["student"]);
        message[field] = value;
        message
    };
    for (message, status, code) in [
        (with("body", json!("")), 422, "invalid_body"),
        (with("body", json!("nul \u{0}")), 422, "invalid_body"),
        (with("subject", json!("two\nlines")), 422, "invalid_body"),
        (with("subject", json!(null)), 422, "subject_missing"),
        (with("thread_id", json!(Uuid::nil())), 404, "thread_not_found"),
        (with("audience", json!({ "kind": "people", "school_id": SCHOOL, "ids": [] })), 422, "invalid_body"),
        (with("audience", json!({ "kind": "everybody" })), 400, "malformed_body"),
        (with("urgent", json!(true)), 400, "malformed_body"),
    ] {
        app.send(Who::TEACHER, message).await.expect_problem(status, code);
    }
}
