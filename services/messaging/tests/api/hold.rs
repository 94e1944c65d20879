//! Settles which messages wait for a second look, who gives it, and what their senders are told.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use messaging::Messaging;
use serde_json::{Value, json};
use shared::session::Role;
use shared::testing::{Answer, Client, ManualClock, Running, eventually};
use uuid::Uuid;

use crate::app::{App, CLASS, OTHER_SCHOOL, SCHOOL, Who, to_class};
use crate::restriction::{close, closing};

pub const MESSAGES: &str = "/messaging/v1/messages";
pub const NOTICE: &str =
    "Le perroquet du CDI s'est échappé : ouvrez les fenêtres de la salle 12 à 10 h et sifflez doucement.";
pub const VARIANT: &str =
    "Le perroquet du CDI s'est échappé : ouvrez les fenêtres de la salle 7 à 9 h 15, et sifflez doucement !";

/// A morning on which a hundred people have written, all on devices they have long had; pupils 1001 to 1060 in 3eA.
pub async fn ordinary(app: &App) {
    let hour_ago_ms = app.clock.utc().timestamp_millis() - 3_600_000;
    let id = format!(
        "(lpad(to_hex({hour_ago_ms} + n), 12, '0') || '7000800000000000' || lpad(to_hex(n), 4, '0'))::uuid"
    );
    let person =
        |first: u32| format!("('00000000-0000-0000-0000-' || lpad(to_hex({first} + n), 12, '0'))::uuid");
    let (sender, pupil) = (person(5_000), person(1_000));
    let sql = format!(
        "insert into thread select '{OTHER_SCHOOL}', {id}, 'S', {sender}, to_timestamp({hour_ago_ms} / 1000.0)
           from generate_series(1, 100) n;
         insert into message (school_id, id, thread_id, sender_id, audience, recipient_count, body, sent_at)
           select '{OTHER_SCHOOL}', {id}, {id}, {sender}, '{{}}', 1, 'B', to_timestamp({hour_ago_ms} / 1000.0)
           from generate_series(1, 100) n;
         insert into directory.membership select '{SCHOOL}', {pupil}, 'Student' from generate_series(1, 60) n;
         insert into roster.enrolment select '{SCHOOL}', '{CLASS}', {pupil}, 'student' from generate_series(1, 60) n;"
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
}

/// The browser of somebody who has used the device for a minute.
pub fn on_new_device(app: &App, who: Who) -> Client {
    app.browser_with(&[who], |claims| claims.dev_since = claims.iat - 60)
}

/// The same with a one-time code of this minute.
pub fn proved_on_new_device(app: &App, who: Who) -> Client {
    app.browser_with(&[who], |claims| {
        claims.dev_since = claims.iat - 60;
        claims.amr.push("otp".to_owned());
    })
}

pub fn to_pupils(first: u128, count: u128, body: &str) -> Value {
    let ids: Vec<Uuid> = (0..count).map(|n| Uuid::from_u128(1_000 + first + n)).collect();
    json!({ "subject": "S", "body": body, "audience": { "kind": "people", "school_id": SCHOOL, "ids": ids } })
}

pub fn pupil(number: u128) -> Who {
    Who(1_000 + number, SCHOOL, Role::Student)
}

pub fn queue(rest: &str) -> String {
    format!("/messaging/v1/schools/{SCHOOL}/held-messages{rest}")
}

/// What a pupil sends to five others on a new device, and that it waits.
pub async fn held(app: &App, body: &str) -> Value {
    let answer = on_new_device(app, Who::PUPIL).post(MESSAGES, &to_pupils(1, 5, body)).await.expect(202);
    assert_eq!(answer.body["state"], "held");
    answer.body
}

/// Decides as a reviewer.
pub async fn decide(browser: &Client, id: &Value, outcome: &str) -> Answer {
    let address = queue(&format!("/{}/decision", id.as_str().unwrap()));
    browser.post(&address, &json!({ "outcome": outcome, "note": "Vu avec la vie scolaire." })).await
}

pub fn codes(reasons: &Value) -> Vec<&str> {
    reasons.as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

/// The first message of a thread as somebody sees it.
async fn seen(app: &App, who: Who, sent: &Value) -> Option<Value> {
    let thread = format!("/messaging/v1/threads/{}", sent["thread_id"].as_str().unwrap());
    let answer = app.browser(who).get(&thread).await;
    (answer.status == 200).then(|| answer.body["messages"][0].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pupils_broad_message_from_a_new_device_waits_and_goes_when_it_is_released() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let sent = held(&app, "Bonjour à tous").await;
    assert_eq!(sent["hold"]["released_by"], "reviewer");
    assert!(codes(&sent["hold"]["reasons"]).contains(&"new_device"), "{sent}");
    assert_eq!((app.unread(pupil(1)).await, seen(&app, pupil(1), &sent).await), (0, None));
    let own = seen(&app, Who::PUPIL, &sent).await.unwrap();
    assert_eq!((&own["state"], &own["hold"]["reasons"]), (&json!("held"), &sent["hold"]["reasons"]));

    let head = app.proved(Who::PRINCIPAL);
    let waiting = head.get(&queue("")).await.expect(200).body;
    assert_eq!(
        (&waiting["waiting_count"], &waiting["messages"][0]["body"]),
        (&json!(1), &json!("Bonjour à tous"))
    );
    assert_eq!(waiting["messages"][0]["sender_name"], "Zoé Martin");
    decide(&head, &sent["id"], "released").await.expect(204);
    assert_eq!(app.unread(pupil(1)).await, 1, "it comes as new");
    let own = seen(&app, Who::PUPIL, &sent).await.unwrap();
    assert_eq!((&own["state"], &own["hold"]["outcome"]), (&json!("visible"), &json!("released")));
    assert_eq!(head.get(&queue("")).await.expect(200).body["waiting_count"], 0);
    decide(&head, &sent["id"], "refused").await.expect_problem(404, "held_message_not_found");
    assert_eq!((app.kept("held_message_released").await, app.kept("held_message_refused").await), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_goes_to_nobody_its_sender_reads_why_and_the_like_waits_as_well() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let sent = held(&app, NOTICE).await;
    decide(&app.proved(Who::ADMIN), &sent["id"], "refused").await.expect(204);
    assert_eq!((app.unread(pupil(1)).await, seen(&app, pupil(1), &sent).await), (0, None));
    let own = seen(&app, Who::PUPIL, &sent).await.unwrap();
    assert_eq!(
        (&own["state"], &own["hold"]["note"]),
        (&json!("refused"), &json!("Vu avec la vie scolaire."))
    );
    let alike = app.send(Who::CLASSMATE, to_pupils(1, 1, VARIANT)).await.expect(202);
    assert!(codes(&alike.body["hold"]["reasons"]).contains(&"similar_refused"), "{alike:?}");
    app.send(Who::CLASSMATE, to_pupils(1, 1, "Tu viens au foyer à midi avec les autres de la classe ?"))
        .await
        .expect(201);
    assert_eq!(app.kept("held_message_refused").await, 1);
}

/// What a pupil next door sends on a new device to somebody known.
pub async fn sent_next_door(app: &App) {
    let next_door = Who(0x9001, OTHER_SCHOOL, Role::Student);
    let (friend, class) = (Uuid::from_u128(0x9002), Uuid::from_u128(0xb3));
    // They write to people to whom they have written before: a new device alone holds nobody.
    let sql = format!(
        "insert into directory.membership values
           ('{OTHER_SCHOOL}', '{0}', 'Student'), ('{OTHER_SCHOOL}', '{friend}', 'Student');
         insert into roster.student_group values ('{OTHER_SCHOOL}', '{class}', 'class', '2de');
         insert into roster.enrolment values
           ('{OTHER_SCHOOL}', '{class}', '{0}', 'student'), ('{OTHER_SCHOOL}', '{class}', '{friend}', 'student');
         insert into contact values
           ('{OTHER_SCHOOL}', '{0}', '{friend}', '2026-08-30T06:00:00Z', '2026-08-30T06:00:00Z');",
        next_door.id()
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
    let audience = json!({ "kind": "people", "school_id": OTHER_SCHOOL, "ids": [friend] });
    let first = json!({ "subject": "S", "body": NOTICE, "audience": audience });
    on_new_device(app, next_door).post(MESSAGES, &first).await.expect(201);
}

pub fn to_classmate(body: &str) -> Value {
    let audience = json!({ "kind": "people", "school_id": SCHOOL, "ids": [Who::CLASSMATE.id()] });
    json!({ "subject": "S", "body": body, "audience": audience })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_school_that_sends_the_like_within_ten_minutes_waits_and_the_first_copy_can_be_found() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    sent_next_door(&app).await;
    app.pass(&clock, Duration::from_mins(9)).await;
    let second = on_new_device(&app, Who::PUPIL).post(MESSAGES, &to_classmate(VARIANT)).await.expect(202);
    assert!(codes(&second.body["hold"]["reasons"]).contains(&"similar_elsewhere"), "{second:?}");
    let sql = "select count(*) from message where fingerprint is not null and state = 'visible'";
    assert_eq!(app.database.connect().await.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 1);
    app.pass(&clock, Duration::from_mins(11)).await;
    on_new_device(&app, Who::PUPIL).post(MESSAGES, &to_classmate(NOTICE)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heads_snow_day_message_goes_at_once_and_from_a_new_device_after_one_code() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let snow = |body: &str| {
        let audience = json!({ "kind": "role", "school_id": SCHOOL, "role": "Student" });
        json!({ "subject": "Neige", "body": body, "audience": audience })
    };
    app.proved(Who::PRINCIPAL).post(MESSAGES, &snow(NOTICE)).await.expect(201);
    let before = proved_on_new_device(&app, Who::PRINCIPAL);
    let sent = before.post(MESSAGES, &snow("Fermé demain aussi.")).await.expect(202).body;
    assert_eq!((&sent["hold"]["released_by"], app.unread(pupil(1)).await), (&json!("sender"), 1));
    let release = format!("{MESSAGES}/{}/release", sent["id"].as_str().unwrap());
    before.post(&release, &json!({})).await.expect_problem(403, "step_up_required");
    decide(&before, &sent["id"], "released").await.expect_problem(403, "own_message");
    app.pass(&clock, Duration::from_secs(30)).await;
    on_new_device(&app, Who::PRINCIPAL)
        .post(&release, &json!({}))
        .await
        .expect_problem(403, "step_up_required");
    app.proved(Who::ADMIN).post(&release, &json!({})).await.expect_problem(404, "held_message_not_found");
    proved_on_new_device(&app, Who::PRINCIPAL).post(&release, &json!({})).await.expect(204);
    assert_eq!(app.unread(pupil(1)).await, 2);
    assert_eq!(app.kept("held_message_released").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_pupil_sent_is_not_released_by_the_pupil() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let sent = held(&app, "Bonjour à tous").await;
    let release = format!("{MESSAGES}/{}/release", sent["id"].as_str().unwrap());
    app.proved(Who::PUPIL).post(&release, &json!({})).await.expect_problem(403, "reviewer_only");
    let head = app.browser(Who::PRINCIPAL);
    decide(&head, &sent["id"], "released").await.expect_problem(403, "step_up_required");
    decide(&app.proved(Who::TEACHER), &sent["id"], "released").await.expect_problem(403, "not_allowed");
    assert_eq!(app.unread(pupil(1)).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_reviewers_at_once_one_decides() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    for _ in 0..5 {
        let sent = held(&app, "Bonjour à tous").await;
        let (head, admin) = (app.proved(Who::PRINCIPAL), app.proved(Who::ADMIN));
        let (one, other) =
            join(decide(&head, &sent["id"], "released"), decide(&admin, &sent["id"], "refused")).await;
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 404]);
        let own = seen(&app, Who::PUPIL, &sent).await.unwrap();
        assert_eq!(own["state"], if one.status == 204 { "visible" } else { "refused" });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_looks_for_a_week_and_it_counts_as_refused() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let sent = held(&app, "Bonjour à tous").await;
    app.pass(&clock, Duration::from_hours(24 * 7)).await;
    let own = seen(&app, Who::PUPIL, &sent).await.unwrap();
    assert_eq!((&own["state"], own["hold"].get("outcome")), (&json!("refused"), None));
    let head = app.proved(Who::PRINCIPAL);
    assert_eq!(head.get(&queue("")).await.expect(200).body["waiting_count"], 0);
    decide(&head, &sent["id"], "released").await.expect_problem(404, "held_message_not_found");
    assert_eq!(app.unread(pupil(1)).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_opens_nothing_that_was_closed_since() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let sent = held(&app, "Bonjour à tous").await;
    close(&app, &closing(&app, &["Student"], "closed", 90)).await;
    let head = app.proved(Who::PRINCIPAL);
    decide(&head, &sent["id"], "released").await.expect_problem(403, "sending_restricted");
    assert_eq!(head.get(&queue("")).await.expect(200).body["waiting_count"], 1);
    decide(&head, &sent["id"], "refused").await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_restriction_holds_is_reviewed_like_the_rest() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    close(&app, &closing(&app, &["Student", "Principal"], "hold", 90)).await;
    let sent = app.send(Who::PUPIL, to_class(CLASS, &["teacher"])).await.expect(202).body;
    assert_eq!(codes(&sent["hold"]["reasons"]), ["restriction"]);
    decide(&app.proved(Who::PRINCIPAL), &sent["id"], "released").await.expect(204);
    assert_eq!(app.unread(Who::TEACHER).await, 1);
    let heads =
        app.proved(Who::PRINCIPAL).post(MESSAGES, &to_class(CLASS, &["student"])).await.expect(202).body;
    assert_eq!(heads["hold"]["released_by"], "reviewer", "a code does not open what the school has closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_of_a_held_message_gets_the_same_answer() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let browser = on_new_device(&app, Who::PUPIL);
    let send = async || {
        let request = browser.request(reqwest::Method::POST, MESSAGES).header("Idempotency-Key", "k");
        browser.send(request.json(&to_pupils(1, 5, "Bonjour à tous"))).await
    };
    let (first, second) = (send().await.expect(202), send().await.expect(202));
    assert_eq!(first.body, second.body);
    let waiting = app.proved(Who::PRINCIPAL).get(&queue("")).await.expect(200);
    assert_eq!(waiting.body["waiting_count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn phrases_of_the_installation_are_looked_at_first_and_hold_nothing() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let mut config = app.config.clone();
    config.own.review_phrases = vec!["Perroquet échappé".to_owned()];
    let app = App { messaging: Running::start(config, Arc::new(clock.clone())), ..app };
    app.send(Who::PUPIL, to_pupils(9, 1, "Un perroquet échappé dans la cour !")).await.expect(201);
    held(&app, "Bonjour à tous").await;
    held(&app, "P e r r o q u e t  é c h a p p é").await;
    let waiting = app.proved(Who::PRINCIPAL).get(&queue("")).await.expect(200).body;
    assert_eq!(waiting["messages"][0]["is_urgent"], true);
    assert_eq!(waiting["messages"][1]["body"], "Bonjour à tous");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_first_morning_after_the_holidays_new_devices_hold_nobody() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let sql = "update message set is_newcomer = true";
    app.database.connect().await.batch_execute(sql).await.unwrap();
    on_new_device(&app, Who::PUPIL).post(MESSAGES, &to_pupils(1, 5, "Bonjour à tous")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_holds_in_a_proof_nothing_waits() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let mut config = app.config.clone();
    config.ablate = serde_json::from_value(json!(["hold"])).unwrap();
    let app = App { messaging: Running::<Messaging>::start(config, Arc::new(clock.clone())), ..app };
    on_new_device(&app, Who::PUPIL).post(MESSAGES, &to_pupils(1, 5, "Bonjour à tous")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_remembered_of_texts_is_forgotten_after_its_time() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    ordinary(&app).await;
    let sent = held(&app, NOTICE).await;
    decide(&app.proved(Who::ADMIN), &sent["id"], "refused").await.expect(204);
    let database = app.database.connect().await;
    let bands = async |kind: i16| {
        let sql = "select count(*) from text_band where kind = $1";
        database.query_one(sql, &[&kind]).await.unwrap().get::<_, i64>(0)
    };
    assert_eq!((bands(0).await, bands(1).await), (32, 32));
    clock.advance(Duration::from_mins(11));
    let beside = Running::<Messaging>::start(app.config.clone(), Arc::new(clock.clone()));
    eventually("sends are forgotten", async || bands(0).await == 0).await;
    assert_eq!(bands(1).await, 32, "what was refused is remembered");
    drop(beside);
    clock.advance(Duration::from_hours(24 * 30));
    let _beside = Running::<Messaging>::start(app.config.clone(), Arc::new(clock.clone()));
    eventually("refusals are forgotten", async || bands(1).await == 0).await;
}
