//! Settles how much one account sends: what is refused, what is left and when it comes back, and who changes the limits.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use messaging::Messaging;
use serde_json::{Value, json};
use shared::session::Role;
use shared::testing::{ManualClock, Running, eventually};
use uuid::Uuid;

use crate::app::{App, CLASS, OTHER_SCHOOL, SCHOOL, Who, to_class};
use crate::hold::decide;
use crate::restriction::{close, closing};

const MESSAGES: &str = "/messaging/v1/messages";

/// Pupils 1001, 1002 and so on, in 3eA.
async fn crowd(app: &App, count: i32) {
    let id = "('00000000-0000-0000-0000-' || lpad(to_hex(1000 + n), 12, '0'))::uuid";
    let sql = format!(
        "delete from contact;
         insert into directory.membership select '{SCHOOL}', {id}, 'Student' from generate_series(1, {count}) n;
         insert into roster.enrolment select '{SCHOOL}', '{CLASS}', {id}, 'student' from generate_series(1, {count}) n;"
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
}

/// To pupils of the crowd, from the one with this number on.
fn to_some(first: u128, count: u128) -> Value {
    let ids: Vec<Uuid> = (0..count).map(|n| Uuid::from_u128(1_000 + first + n)).collect();
    json!({ "subject": "S", "body": "B", "audience": { "kind": "people", "school_id": SCHOOL, "ids": ids } })
}

fn to_all_pupils() -> Value {
    let audience = json!({ "kind": "role", "school_id": SCHOOL, "role": "Student" });
    json!({ "subject": "Neige", "body": "L'établissement est fermé.", "audience": audience })
}

fn limits(role: &str) -> String {
    format!("/messaging/v1/schools/{SCHOOL}/send-limits/{role}")
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_of_a_pupil_goes_to_ten_people_and_of_a_new_device_to_five() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    crowd(&app, 20).await;
    let refused = app.send(Who::PUPIL, to_some(1, 11)).await;
    assert_eq!(refused.body["most"], 10);
    refused.expect_problem(403, "too_many_recipients");
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect_problem(403, "too_many_recipients");
    app.send(Who::PUPIL, to_some(1, 10)).await.expect(201);
    let young = app.browser_with(&[Who::CLASSMATE], |claims| claims.dev_since = claims.iat - 60);
    young.post(MESSAGES, &to_some(1, 6)).await.expect_problem(403, "too_many_recipients");
    young.post(MESSAGES, &to_some(1, 5)).await.expect(201);
    let own = young.get("/messaging/v1/home").await.expect(200).body["limits"].clone();
    let expected = json!([{
        "school_id": SCHOOL, "per_message": 5, "people_a_day": 30, "broad_an_hour": null, "unproved_an_hour": null,
        "messages_an_hour": 30,
    }]);
    assert_eq!(own, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pupil_writes_to_sixty_people_a_day_and_they_come_back_one_by_one() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    crowd(&app, 80).await;
    for tens in 0..6 {
        app.send(Who::PUPIL, to_some(1 + tens * 10, 10)).await.expect(201);
        app.pass(&clock, Duration::from_mins(10)).await;
    }
    let refused = app.send(Who::PUPIL, to_some(61, 3)).await.expect(403);
    let told = (&refused.body["most"], &refused.body["left"], &refused.body["until"]);
    assert_eq!(told, (&json!(60), &json!(0), &json!("2026-09-02T06:00:00Z")));
    let retry_after: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((82_800..=82_831).contains(&retry_after), "{retry_after}");
    refused.expect_problem(403, "day_budget_spent");
    app.send(Who::PUPIL, to_some(35, 10)).await.expect(201);
    app.pass(&clock, Duration::from_hours(23)).await;
    app.send(Who::PUPIL, to_some(61, 10)).await.expect(201);
    app.send(Who::PUPIL, to_some(71, 1)).await.expect_problem(403, "day_budget_spent");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_one_account_at_once_are_counted_one_after_the_other() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    crowd(&app, 100).await;
    let browsers: Vec<_> = (0..10).map(|_| app.browser(Who::PUPIL)).collect();
    let sending = browsers
        .iter()
        .zip(0..)
        .map(async |(browser, tens)| browser.post(MESSAGES, &to_some(1 + tens * 10, 10)).await);
    let answers = join_all(sending).await;
    let accepted = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(accepted, 6, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.status == 201 || answer.code() == "day_budget_spent"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teacher_writes_to_a_thousand_an_hour_in_broad_messages() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    crowd(&app, 147).await;
    let to_crowd = to_class(CLASS, &["student"]);
    let send = async |body: Value| app.proved(Who::TEACHER).post(MESSAGES, &body).await;
    for _ in 0..6 {
        let sent = send(to_crowd.clone()).await.expect(201);
        assert_eq!(sent.body["recipient_count"], 149);
        app.pass(&clock, Duration::from_mins(5)).await;
    }
    let refused = send(to_crowd.clone()).await.expect(403);
    let told = (&refused.body["most"], &refused.body["left"], &refused.body["until"]);
    assert_eq!(told, (&json!(1_000), &json!(106), &json!("2026-09-01T07:00:00Z")));
    refused.expect_problem(403, "hour_budget_spent");
    send(to_some(1, 10)).await.expect(201);
    app.pass(&clock, Duration::from_mins(30)).await;
    send(to_crowd.clone()).await.expect(201);
    send(to_crowd).await.expect_problem(403, "hour_budget_spent");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_to_few_ask_for_a_one_time_code_as_one_to_many_does() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    crowd(&app, 650).await;
    for tens in 0..60 {
        app.send(Who::TEACHER, to_some(1 + tens * 10, 10)).await.expect(201);
    }
    let refused = app.send(Who::TEACHER, to_some(601, 1)).await.expect(403);
    let told = (&refused.body["most"], &refused.body["left"], &refused.body["until"]);
    assert_eq!(told, (&json!(600), &json!(0), &json!("2026-09-01T07:00:00Z")));
    refused.expect_problem(403, "step_up_required");
    app.proved(Who::TEACHER).post(MESSAGES, &to_some(601, 10)).await.expect(201);
    app.send(Who::TEACHER, to_some(611, 1)).await.expect_problem(403, "step_up_required");
    app.pass(&clock, Duration::from_hours(1)).await;
    app.send(Who::TEACHER, to_some(611, 10)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_sends_so_many_messages_an_hour() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    crowd(&app, 2).await;
    for _ in 0..60 {
        app.send(Who::PUPIL, to_some(1, 1)).await.expect(201);
    }
    let refused = app.send(Who::PUPIL, to_some(1, 1)).await;
    assert_eq!((&refused.body["most"], &refused.body["left"]), (&json!(60), &json!(0)));
    refused.expect_problem(403, "message_budget_spent");
    app.send(Who::CLASSMATE, to_some(1, 1)).await.expect(201);
    app.pass(&clock, Duration::from_hours(1)).await;
    app.send(Who::PUPIL, to_some(1, 1)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_messages_of_an_account_wait_for_a_second_look_and_no_more() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    close(&app, &closing(&app, &["Student"], "hold", 90)).await;
    let send = async || app.send(Who::PUPIL, to_class(CLASS, &["teacher"])).await;
    let first = send().await.expect(202).body;
    for _ in 1..10 {
        send().await.expect(202);
    }
    let refused = send().await;
    assert_eq!(refused.body["most"], 10);
    refused.expect_problem(403, "too_many_waiting");
    app.send(Who::CLASSMATE, to_class(CLASS, &["teacher"])).await.expect(202);
    decide(&app.proved(Who::PRINCIPAL), &first["id"], "refused").await.expect(204);
    send().await.expect(202);
    send().await.expect_problem(403, "too_many_waiting");
    app.pass(&clock, Duration::from_hours(24 * 7)).await;
    send().await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_messages_ask_for_a_one_time_code() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    crowd(&app, 250).await;
    app.send(Who::PRINCIPAL, to_all_pupils()).await.expect_problem(403, "step_up_required");
    let sent = app.proved(Who::PRINCIPAL).post(MESSAGES, &to_all_pupils()).await.expect(201);
    assert_eq!(sent.body["recipient_count"], 253);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_of_an_account_is_counted_in_all_its_schools() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    crowd(&app, 60).await;
    let sql = format!(
        "insert into contact select '{OTHER_SCHOOL}', '{}', gen_random_uuid(), '2026-09-01T05:00:00Z', null
                       from generate_series(1, 45)",
        Who::PUPIL.id()
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
    app.send(Who::PUPIL, to_some(1, 10)).await.expect(201);
    let both = app.browser_with(&[Who::PUPIL, Who(1, OTHER_SCHOOL, Role::Student)], |_| {});
    let refused = both.post(MESSAGES, &to_some(11, 6)).await;
    assert_eq!(refused.body["left"], 5);
    refused.expect_problem(403, "day_budget_spent");
    both.post(MESSAGES, &to_some(11, 5)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_change_the_limits_of_their_school_within_limits() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    crowd(&app, 40).await;
    let beside = Running::<Messaging>::start(app.config.clone(), Arc::new(clock.clone()));
    let pupil = beside.client().with_token(app.token(&[Who::PUPIL], |_| {}));
    pupil.post(MESSAGES, &to_some(1, 11)).await.expect_problem(403, "too_many_recipients");
    let with = |limits: Value| json!({ "limits": limits, "authority": "Principal" });
    let wider = with(json!({ "per_message": 35, "people_a_day": 120, "messages_an_hour": 90 }));
    let admin = app.proved(Who::ADMIN);
    admin.put(&limits("Student"), &wider).await.expect(204);
    eventually("the other instance has heard", async || {
        pupil.post(MESSAGES, &to_some(1, 35)).await.status == 201
    })
    .await;
    let shown = app.browser(Who::PUPIL).get(&format!("/messaging/v1/schools/{SCHOOL}/send-limits")).await;
    let shown = shown.expect(200).body["limits"][0].clone();
    assert_eq!(
        (&shown["limits"]["per_message"], &shown["default_limits"]["per_message"]),
        (&json!(35), &json!(10))
    );
    assert_eq!(app.kept("send_limits_changed").await, 1);

    for (role, limits_of, status, code) in [
        (
            "Student",
            json!({ "per_message": 41, "people_a_day": 60, "messages_an_hour": 60 }),
            422,
            "limits_too_wide",
        ),
        (
            "Student",
            json!({ "per_message": 10, "people_a_day": 60, "messages_an_hour": 201 }),
            422,
            "limits_too_wide",
        ),
        (
            "Student",
            json!({ "per_message": 0, "people_a_day": 60, "messages_an_hour": 60 }),
            422,
            "limits_too_wide",
        ),
        ("Student", json!({ "per_message": 10, "messages_an_hour": 60 }), 422, "limits_too_wide"),
        (
            "Teacher",
            json!({ "per_message": 10, "people_a_day": 5, "broad_an_hour": 10, "unproved_an_hour": 10, "messages_an_hour": 10 }),
            422,
            "limits_too_wide",
        ),
        (
            "Teacher",
            json!({ "per_message": 10, "broad_an_hour": 10, "messages_an_hour": 10 }),
            422,
            "limits_too_wide",
        ),
        ("Student", json!({ "per_message": -1 }), 400, "malformed_body"),
        ("Student", json!({ "per_message": 10, "people_a_day": 60 }), 400, "malformed_body"),
        ("King", json!({ "per_message": 1, "people_a_day": 1, "messages_an_hour": 1 }), 404, "not_found"),
    ] {
        admin.put(&limits(role), &with(limits_of)).await.expect_problem(status, code);
    }
    app.browser(Who::ADMIN).put(&limits("Student"), &wider).await.expect_problem(403, "step_up_required");
    app.proved(Who::PRINCIPAL).put(&limits("Student"), &wider).await.expect_problem(403, "not_allowed");
    assert_eq!(app.kept("send_limits_changed").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_budgets_in_a_proof_nothing_is_counted() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    crowd(&app, 20).await;
    let mut config = app.config.clone();
    config.ablate = serde_json::from_value(json!(["budgets"])).unwrap();
    let app = App { messaging: Running::start(config, Arc::new(clock.clone())), ..app };
    app.send(Who::PUPIL, to_some(1, 20)).await.expect(201);
}
