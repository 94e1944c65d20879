//! Settles that nobody gets around a hold: not by a second try, not in the subject of a thread, not by a release after things have changed.

use std::time::Duration;

use serde_json::{Value, json};
use shared::testing::ManualClock;

use crate::app::{App, CLASS, SCHOOL, Who, to_class};
use crate::hold::{
    MESSAGES, NOTICE, VARIANT, codes, decide, held, on_new_device, ordinary, pupil,
    queue, to_pupils,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_held_again_until_the_people_have_been_known_for_a_day() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    app.database.connect().await.batch_execute("delete from contact").await.unwrap();
    let to_teacher = to_class(CLASS, &["teacher"]);
    app.pass(&clock, Duration::from_hours(18)).await;
    for _ in 0..2 {
        let sent = app.send(Who::PUPIL, to_teacher.clone()).await.expect(202).body;
        assert_eq!(codes(&sent["hold"]["reasons"]), ["night", "upward", "new_recipients"]);
    }
    app.pass(&clock, Duration::from_hours(24)).await;
    app.send(Who::PUPIL, to_teacher.clone()).await.expect(202);
    app.pass(&clock, Duration::from_hours(8)).await;
    app.send(Who::PUPIL, to_teacher.clone()).await.expect(201);
    app.pass(&clock, Duration::from_hours(16)).await;
    app.send(Who::PUPIL, to_teacher.clone()).await.expect(202);
    app.pass(&clock, Duration::from_hours(24)).await;
    app.send(Who::PUPIL, to_teacher).await.expect(201);
}

/// The same message, going on with a thread.
fn in_thread(sent: &Value, mut message: Value) -> Value {
    message["thread_id"] = sent["thread_id"].clone();
    message.as_object_mut().unwrap().remove("subject");
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn the_subject_of_what_waits_or_was_refused_is_shown_by_no_later_message() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let subject = async |who: Who, sent: &Value| {
        let thread = format!("/messaging/v1/threads/{}", sent["thread_id"].as_str().unwrap());
        let shown = app.browser(who).get(&thread).await.expect(200).body["subject"].clone();
        let inbox = app.inbox(who).await;
        let listed = inbox.iter().find(|message| message["thread_id"] == sent["thread_id"]);
        assert!(listed.is_none_or(|message| message["subject"] == shown), "{listed:?} {shown}");
        shown
    };
    let head = app.proved(Who::PRINCIPAL);
    let sent = held(&app, "Bonjour à tous").await;
    app.send(Who::PUPIL, in_thread(&sent, to_pupils(1, 1, "Lis."))).await.expect(201);
    let withheld = json!("Message retiré / Message withdrawn");
    assert_eq!(
        (subject(pupil(1), &sent).await, subject(Who::PUPIL, &sent).await),
        (withheld.clone(), json!("S"))
    );
    assert_eq!(head.get(&queue("")).await.expect(200).body["messages"][0]["subject"], "S");
    decide(&head, &sent["id"], "released").await.expect(204);
    assert_eq!(subject(pupil(1), &sent).await, "S");

    let sent = held(&app, "Bonjour à toutes").await;
    decide(&head, &sent["id"], "refused").await.expect(204);
    app.send(Who::PUPIL, in_thread(&sent, to_pupils(1, 1, "Lis."))).await.expect(201);
    assert_eq!(
        (subject(pupil(1), &sent).await, subject(Who::PUPIL, &sent).await),
        (withheld.clone(), json!("S"))
    );
    let again = in_thread(&sent, to_pupils(1, 5, "Lisez."));
    on_new_device(&app, Who::PUPIL).post(MESSAGES, &again).await.expect(202);
    assert_eq!(head.get(&queue("")).await.expect(200).body["messages"][0]["subject"], withheld);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_with_a_thread_is_judged_with_its_subject_except_to_those_who_are_answered() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let mut first = to_pupils(1, 1, "Lis.");
    first["subject"] = json!(NOTICE);
    let sent = app.send(Who::PUPIL, first).await.expect(201).body;
    let refused = held(&app, VARIANT).await;
    decide(&app.proved(Who::ADMIN), &refused["id"], "refused").await.expect(204);
    let again = app.send(Who::PUPIL, in_thread(&sent, to_pupils(2, 1, "Lis."))).await.expect(202).body;
    assert!(codes(&again["hold"]["reasons"]).contains(&"similar_refused"), "{again}");
    let audience = json!({ "kind": "people", "school_id": SCHOOL, "ids": [Who::PUPIL.id()] });
    let answer = json!({ "body": "Oui.", "audience": audience });
    app.send(pupil(1), in_thread(&sent, answer)).await.expect(201);
    let mut with_subject = in_thread(&sent, to_pupils(1, 1, "Lis."));
    with_subject["subject"] = json!("Autre chose");
    app.send(Who::PUPIL, with_subject).await.expect_problem(422, "subject_of_thread");
}
