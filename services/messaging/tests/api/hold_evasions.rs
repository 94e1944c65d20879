//! Settles that nobody gets around a hold: not by a second try, not in the subject of a thread, not by a release after things have changed.

use std::time::Duration;

use serde_json::{Value, json};
use shared::testing::{Client, ManualClock};

use crate::app::{App, CLASS, SCHOOL, Who, to_class};
use crate::hold::{
    MESSAGES, NOTICE, VARIANT, codes, decide, held, on_new_device, ordinary, proved_on_new_device, pupil,
    queue, sent_next_door, to_classmate, to_pupils,
};
use crate::restriction::{close, closing};

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

#[tokio::test(flavor = "multi_thread")]
async fn whoever_repeats_a_text_hides_nobody_else_who_sent_it() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    sent_next_door(&app).await;
    for _ in 0..20 {
        app.pass(&clock, Duration::from_secs(2)).await;
        app.send(pupil(50), to_pupils(51, 1, NOTICE)).await.expect(201);
    }
    let sent = on_new_device(&app, Who::PUPIL).post(MESSAGES, &to_classmate(VARIANT)).await.expect(202).body;
    assert!(codes(&sent["hold"]["reasons"]).contains(&"similar_elsewhere"), "{sent}");
    let sql = "select count(*), count(distinct sender_id) from text_band";
    let row = app.database.connect().await.query_one(sql, &[]).await.unwrap();
    assert!(row.get::<_, i64>(0) <= 3 * 32 && row.get::<_, i64>(1) == 3, "one row a band for each of them");
}

/// What a head sends to all pupils on a new device, and the address of its release.
async fn held_of_head(head: &Client, body: &str) -> (Value, String) {
    let audience = json!({ "kind": "role", "school_id": SCHOOL, "role": "Student" });
    let message = json!({ "subject": "S", "body": body, "audience": audience });
    let sent = head.post(MESSAGES, &message).await.expect(202).body;
    assert_eq!(sent["hold"]["released_by"], "sender");
    let release = format!("{MESSAGES}/{}/release", sent["id"].as_str().unwrap());
    (sent, release)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_looked_at_since_is_not_released_by_its_sender() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let (sent, release) = held_of_head(&proved_on_new_device(&app, Who::PRINCIPAL), "Fermé demain.").await;
    app.pass(&clock, Duration::from_secs(30)).await;
    close(&app, &closing(&app, &["Principal"], "hold", 90)).await;
    let head = proved_on_new_device(&app, Who::PRINCIPAL);
    head.post(&release, &json!({})).await.expect_problem(403, "reviewer_only");
    assert_eq!(app.unread(pupil(1)).await, 0);
    decide(&app.proved(Who::ADMIN), &sent["id"], "released").await.expect(204);
    assert_eq!(app.unread(pupil(1)).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_was_refused_since_is_not_released_by_its_sender() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let (_, release) = held_of_head(&proved_on_new_device(&app, Who::PRINCIPAL), NOTICE).await;
    let pupils = held(&app, VARIANT).await;
    decide(&app.proved(Who::ADMIN), &pupils["id"], "refused").await.expect(204);
    app.pass(&clock, Duration::from_secs(30)).await;
    let head = proved_on_new_device(&app, Who::PRINCIPAL);
    head.post(&release, &json!({})).await.expect_problem(403, "reviewer_only");
    assert_eq!(app.unread(pupil(1)).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_sent_before_it_was_secured_is_released_by_its_owner_alone() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let (sent, release) = held_of_head(&proved_on_new_device(&app, Who::PRINCIPAL), "Fermé demain.").await;
    app.pass(&clock, Duration::from_secs(30)).await;
    // Of a response that withdraws less: what it withdraws is not held any more.
    let secured = format!(
        "insert into contained_account values ('{}', gen_random_uuid(), '{}')",
        Who::PRINCIPAL.id(),
        app.clock.utc().to_rfc3339()
    );
    let database = app.database.connect().await;
    database.batch_execute(&secured).await.unwrap();
    let of_epoch = |epoch: i64| {
        app.browser_with(&[Who::PRINCIPAL], |claims| {
            claims.amr.push("otp".to_owned());
            (claims.ep, claims.dev_since) = (epoch, claims.iat - 60);
        })
    };
    of_epoch(9).post(&release, &json!({})).await.expect_problem(403, "account_contained");
    database.batch_execute("update contained_account set epoch = 5").await.unwrap();
    of_epoch(4).post(&release, &json!({})).await.expect_problem(403, "account_contained");
    decide(&app.proved(Who::ADMIN), &sent["id"], "released").await.expect_problem(409, "sender_contained");
    assert_eq!(app.unread(pupil(1)).await, 0);
    of_epoch(5).post(&release, &json!({})).await.expect(204);
    app.pass(&clock, Duration::from_secs(30)).await;
    let (sent, _) = held_of_head(&of_epoch(5), "Fermé après-demain.").await;
    decide(&app.proved(Who::ADMIN), &sent["id"], "released").await.expect(204);
    assert_eq!(app.unread(pupil(1)).await, 2);
}
