//! Settles what a restriction of sending does, who closes and who reopens, and what people read meanwhile.

use std::time::Duration;

use chrono::TimeDelta;
use messaging::Messaging;
use serde_json::{Value, json};
use shared::clock::system_clock;
use shared::session::Role;
use shared::testing::{Answer, Client, ManualClock, Running, eventually};
use uuid::Uuid;

use crate::app::{App, CLASS, NOWHERE, OTHER_SCHOOL, SCHOOL, Who, config, to_class};
use crate::recall::{by_senders, recall_of, recalls, withdraw};

/// An address of the school's restrictions.
pub fn restrictions(rest: &str) -> String {
    format!("/messaging/v1/schools/{SCHOOL}/send-restrictions{rest}")
}

/// The body of a closing for the next so many minutes.
pub fn closing(app: &App, roles: &[&str], mode: &str, minutes: i64) -> Value {
    let ends_at = app.clock.utc() + TimeDelta::minutes(minutes);
    json!({
        "roles": roles, "direction": "from", "mode": mode, "ends_at": ends_at,
        "reason": "Des menaces circulent.", "authority": "Rectorat",
    })
}

/// Closes sending as the head; the ids, one for each role.
pub async fn close(app: &App, body: &Value) -> Vec<Uuid> {
    let answer = app.proved(Who::PRINCIPAL).post(&restrictions(""), body).await.expect(201);
    let opened = answer.body["restrictions"].as_array().unwrap();
    opened.iter().map(|one| one["id"].as_str().unwrap().parse().unwrap()).collect()
}

async fn reopen(person: &Client, id: Uuid, mode: &str) -> Answer {
    person
        .post(&restrictions(&format!("/{id}/reopen")), &json!({ "mode": mode, "authority": "Principal" }))
        .await
}

/// Two persons reopen.
async fn reopen_by_two(app: &App, id: Uuid, mode: &str) {
    let waiting = reopen(&app.proved(Who::PRINCIPAL), id, mode).await.expect(200);
    assert_eq!(waiting.body["state"], "waiting");
    let done = reopen(&app.proved(Who::ADMIN), id, mode).await.expect(200);
    assert_eq!(done.body, json!({ "state": "done", "mode": mode }));
}

fn to_person(who: Who) -> Value {
    let audience = json!({ "kind": "people", "school_id": SCHOOL, "ids": [who.id()] });
    json!({ "subject": "S", "body": "B", "audience": audience })
}

#[tokio::test(flavor = "multi_thread")]
async fn while_pupils_are_closed_they_read_until_when_and_why_and_the_school_goes_on() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    close(&app, &closing(&app, &["Student"], "closed", 90)).await;
    let refused = app.send(Who::PUPIL, to_person(Who::TEACHER)).await.expect(403);
    let member = |name: &str| refused.body[name].clone();
    assert_eq!(
        (member("until"), member("mode"), member("direction"), member("role"), member("reason")),
        (
            json!("2026-09-01T07:30:00Z"),
            json!("closed"),
            json!("from"),
            json!("Student"),
            json!("Des menaces circulent.")
        )
    );
    assert_eq!(
        refused.body["detail"],
        "Until 1 September 2026, 07:30 UTC at the latest, pupils of this school cannot send messages. \
         The reason: Des menaces circulent."
    );
    let retry_after: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((5_400..=5_461).contains(&retry_after), "{retry_after}");
    refused.expect_problem(403, "sending_restricted");
    app.send(Who::TEACHER, to_class(CLASS, &["student", "guardian"])).await.expect(201);
    app.send(Who::GUARDIAN, to_person(Who::TEACHER)).await.expect(201);
    assert_eq!((app.unread(Who::PUPIL).await, app.unread(Who::GUARDIAN).await), (1, 1), "reading goes on");
    // A pupil who is a teacher's child and nothing else stays closed; somebody with a free role does not.
    let both = app.browser_with(&[Who::PUPIL, Who(1, SCHOOL, Role::Teacher)], |_| {});
    both.post("/messaging/v1/messages", &to_person(Who::TEACHER)).await.expect(201);
    app.pass(&clock, Duration::from_mins(90)).await;
    app.send(Who::PUPIL, to_person(Who::TEACHER)).await.expect(201);
    assert_eq!(app.kept("sending_restricted").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn home_tells_whom_it_concerns_beforehand_in_every_instance() {
    let app = App::start().await;
    let beside = Running::<Messaging>::start(app.config.clone(), system_clock());
    let other_instance = beside.client().with_token(app.token(&[Who::PUPIL], |_| {}));
    let closed = async |browser: &Client| {
        browser.get("/messaging/v1/home").await.expect(200).body["restrictions"].as_array().unwrap().clone()
    };
    let pupil = app.browser(Who::PUPIL);
    assert!(closed(&pupil).await.is_empty() && closed(&other_instance).await.is_empty());
    let body = closing(&app, &["Student", "Guardian"], "closed", 90);
    close(&app, &body).await;
    let told = closed(&pupil).await;
    assert_eq!(told.len(), 1, "what is closed to others is not listed");
    assert_eq!((&told[0]["role"], &told[0]["mode"]), (&json!("Student"), &json!("closed")));
    assert_eq!(told[0]["reason"], body["reason"]);
    eventually("the other instance tells it", async || closed(&other_instance).await.len() == 1).await;
    assert!(closed(&app.browser(Who::TEACHER)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_closes_and_two_different_ones_reopen() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let id = close(&app, &closing(&app, &["Student"], "closed", 300)).await[0];
    let is_closed = async || app.send(Who::PUPIL, to_person(Who::TEACHER)).await.status == 403;
    let head = app.proved(Who::PRINCIPAL);
    for _ in 0..2 {
        assert_eq!(reopen(&head, id, "open").await.expect(200).body["state"], "waiting");
        assert!(is_closed().await, "the same person twice is one person");
    }
    // Whoever asks for something else begins anew; an hour later nothing is left of it.
    app.pass(&clock, Duration::from_mins(1)).await;
    assert_eq!(reopen(&app.proved(Who::ADMIN), id, "reply_only").await.expect(200).body["state"], "waiting");
    assert!(is_closed().await);
    app.pass(&clock, Duration::from_hours(1)).await;
    let admin = app.proved(Who::ADMIN);
    assert_eq!(reopen(&admin, id, "open").await.expect(200).body["state"], "waiting");
    let shown = app.browser(Who::PRINCIPAL).get(&restrictions("")).await.expect(200).body;
    assert_eq!(shown["restrictions"][0]["reopening"]["state"], "waiting");
    let done = reopen(&app.proved(Who::PRINCIPAL), id, "open").await.expect(200);
    assert_eq!(done.body, json!({ "state": "done", "mode": "open" }));
    assert!(!is_closed().await);
    reopen(&admin, id, "open").await.expect_problem(404, "restriction_not_found");
    assert_eq!((app.kept("reopening_asked").await, app.kept("reopening_confirmed").await), (3, 1));
    let sql = "select distinct content::json->>'authority' from audit_leaf where content::json->>'act' = 'reopening_confirmed'";
    let row = app.database.connect().await.query_one(sql, &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "Principal");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_device_or_a_printed_password_for_less_than_a_day_decides_nothing() {
    let app = App::start().await;
    let restriction = close(&app, &closing(&app, &["Student"], "closed", 300)).await[0];
    app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect(201);
    let recall = withdraw(&app, &by_senders(&app, &[Who::TEACHER])).await["id"].clone();
    let of_recall = |what: &str| recalls(&format!("/{}/{what}", recall.as_str().unwrap()));
    let reopening = json!({ "mode": "open", "authority": "Principal" });
    let demanded = json!({ "authority": "Principal" });
    let deciding = [
        (restrictions(&format!("/{restriction}/reopen")), reopening),
        (of_recall("restore"), demanded.clone()),
        (of_recall("make-final"), demanded),
    ];
    let since = |who: Who, age_s: u64| {
        app.browser_with(&[who], |claims| {
            claims.amr.push("otp".to_owned());
            claims.dev_since = claims.iat - age_s;
        })
    };
    let day_s = 24 * 3_600;
    for (path, body) in &deciding {
        assert_eq!(app.proved(Who::ADMIN).post(path, body).await.expect(200).body["state"], "waiting");
        let thief = since(Who::PRINCIPAL, day_s - 60);
        let refused = thief.post(path, body).await;
        assert!(refused.body["detail"].as_str().unwrap().contains("operators"), "{refused:?}");
        refused.expect_problem(403, "too_new_to_decide");
    }
    assert_eq!((app.kept("reopening_confirmed").await, app.kept("recall_restored").await), (0, 0));
    for (path, body) in &deciding[..2] {
        let done = since(Who::PRINCIPAL, day_s).post(path, body).await.expect(200).body;
        assert_eq!(done["state"], "done", "{path}");
    }
    // What closes and hides is for whoever has just come.
    let new = since(Who::PRINCIPAL, 60);
    new.post(&restrictions(""), &closing(&app, &["Student"], "closed", 300)).await.expect(201);
    new.post(&recalls(""), &recall_of(&by_senders(&app, &[Who::TEACHER]))).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn for_one_administrator_alone_it_ends_at_its_end() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let id = close(&app, &closing(&app, &["Student"], "closed", 120)).await[0];
    for _ in 0..3 {
        reopen(&app.proved(Who::PRINCIPAL), id, "open").await.expect(200);
        app.pass(&clock, Duration::from_mins(39)).await;
        app.send(Who::PUPIL, to_person(Who::TEACHER)).await.expect_problem(403, "sending_restricted");
    }
    app.pass(&clock, Duration::from_mins(3)).await;
    app.send(Who::PUPIL, to_person(Who::TEACHER)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_reopens_in_steps_and_after_the_all_clear_of_the_school() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let mut body = closing(&app, &["Principal", "Teacher", "Guardian", "Student"], "closed", 600);
    body["needs_all_clear"] = json!(true);
    let ids = close(&app, &body).await;
    let (heads, teachers, pupils) = (ids[0], ids[1], ids[3]);
    let head = app.proved(Who::PRINCIPAL);
    reopen(&head, heads, "open").await.expect_problem(409, "all_clear_missing");
    let all_clear = format!("/messaging/v1/schools/{SCHOOL}/all-clears");
    app.pass(&clock, Duration::from_mins(5)).await;
    head.post(&all_clear, &json!({ "authority": "Police nationale" })).await.expect(204);
    reopen(&head, pupils, "open").await.expect_problem(409, "earlier_step_first");
    reopen(&head, teachers, "closed").await.expect_problem(409, "not_weaker");
    reopen_by_two(&app, heads, "open").await;
    reopen(&head, pupils, "reply_only").await.expect_problem(409, "earlier_step_first");
    reopen_by_two(&app, teachers, "open").await;
    app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect(201);
    app.send(Who::PUPIL, to_person(Who::TEACHER)).await.expect_problem(403, "sending_restricted");
    app.pass(&clock, Duration::from_mins(5)).await;
    reopen_by_two(&app, ids[2], "reply_only").await;
    reopen_by_two(&app, pupils, "reply_only").await;
    reopen(&app.proved(Who::ADMIN), pupils, "open").await.expect_problem(409, "earlier_step_first");
    assert_eq!(app.kept("all_clear_given").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_reply_only_people_answer_whoever_wrote_to_them_and_nobody_else() {
    let app = App::start().await;
    let sent = app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect(201);
    close(&app, &closing(&app, &["Student"], "reply_only", 90)).await;
    let reply = |to: &[Who]| {
        let ids: Vec<Uuid> = to.iter().map(|who| who.id()).collect();
        let audience = json!({ "kind": "people", "school_id": SCHOOL, "ids": ids });
        json!({ "thread_id": sent.body["thread_id"], "body": "Présent.", "audience": audience })
    };
    app.send(Who::PUPIL, reply(&[Who::TEACHER])).await.expect(201);
    let table = [reply(&[Who::CLASSMATE]), reply(&[Who::TEACHER, Who::CLASSMATE]), to_person(Who::TEACHER)];
    for body in table {
        let refused = app.send(Who::PUPIL, body).await;
        assert!(refused.body["detail"].as_str().unwrap().contains("can only answer"), "{refused:?}");
        refused.expect_problem(403, "sending_restricted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_to_people_can_be_closed_as_well() {
    let app = App::start().await;
    let mut body = closing(&app, &["Guardian"], "closed", 90);
    body["direction"] = json!("to");
    close(&app, &body).await;
    for audience in [to_class(CLASS, &["student", "guardian"]), to_person(Who::GUARDIAN)] {
        app.send(Who::TEACHER, audience).await.expect_problem(403, "sending_restricted");
    }
    app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect(201);
    app.send(Who::GUARDIAN, to_person(Who::TEACHER)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_hold_what_is_sent_is_kept_and_its_sender_alone_sees_it() {
    let app = App::start().await;
    close(&app, &closing(&app, &["Student"], "hold", 90)).await;
    let held = app.send(Who::PUPIL, to_person(Who::TEACHER)).await.expect(202);
    assert_eq!(held.body["state"], "held");
    assert_eq!((app.inbox(Who::TEACHER).await.len(), app.unread(Who::TEACHER).await), (0, 0));
    let thread = format!("/messaging/v1/threads/{}", held.body["thread_id"].as_str().unwrap());
    let own = app.browser(Who::PUPIL).get(&thread).await.expect(200);
    assert_eq!(own.body["messages"][0]["state"], "held");
    app.browser(Who::TEACHER).get(&thread).await.expect_problem(404, "thread_not_found");
    app.send(Who::TEACHER, to_person(Who::PUPIL)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closing_that_cannot_be_changes_nothing() {
    let app = App::start().await;
    let head = app.proved(Who::PRINCIPAL);
    let with = |field: &str, value: Value| {
        let mut body = closing(&app, &["Student"], "closed", 90);
        body[field] = value;
        body
    };
    let in_days = |days| json!(app.clock.utc() + TimeDelta::days(days));
    for (body, status, code) in [
        (with("ends_at", in_days(-1)), 422, "invalid_body"),
        (with("ends_at", in_days(8)), 422, "invalid_body"),
        (with("ends_at", Value::Null), 400, "malformed_body"),
        (with("mode", json!("open")), 422, "invalid_body"),
        (with("mode", json!("shut")), 400, "malformed_body"),
        (with("roles", json!([])), 422, "invalid_body"),
        (with("roles", json!(["Student", "Student"])), 422, "invalid_body"),
        (with("roles", json!(["King"])), 400, "malformed_body"),
        (with("reason", json!("")), 422, "invalid_body"),
        (with("authority", json!(" ")), 422, "invalid_body"),
    ] {
        head.post(&restrictions(""), &body).await.expect_problem(status, code);
    }
    let fine = closing(&app, &["Student"], "closed", 90);
    app.browser(Who::PRINCIPAL).post(&restrictions(""), &fine).await.expect_problem(403, "step_up_required");
    app.proved(Who::TEACHER).post(&restrictions(""), &fine).await.expect_problem(403, "not_allowed");
    app.proved(Who::STRANGER).post(&restrictions(""), &fine).await.expect_problem(404, "school_not_found");
    assert_eq!(app.kept("sending_restricted").await, 0);
    app.send(Who::PUPIL, to_person(Who::TEACHER)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_closes_again_and_again_keeps_nobody_from_closing_more() {
    let app = App::start().await;
    let weak = closing(&app, &["Student"], "reply_only", 90);
    for _ in 0..20 {
        close(&app, &weak).await;
    }
    let head = app.proved(Who::PRINCIPAL);
    head.post(&restrictions(""), &weak).await.expect_problem(409, "too_many_restrictions");
    close(&app, &closing(&app, &["Student", "Teacher"], "closed", 90)).await;
    app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect_problem(403, "sending_restricted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restriction_concerns_its_own_school_alone() {
    let app = App::start().await;
    let sql = "insert into directory.membership values
        ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-000000000009', 'Principal')";
    app.database.connect().await.batch_execute(sql).await.unwrap();
    close(&app, &closing(&app, &["Principal"], "closed", 90)).await;
    let audience = json!({ "kind": "role", "school_id": OTHER_SCHOOL, "role": "Principal" });
    let next_door = json!({ "subject": "A", "body": "B", "audience": audience });
    app.send(Who::STRANGER, next_door).await.expect(201);
    app.send(Who::PRINCIPAL, to_person(Who::TEACHER)).await.expect_problem(403, "sending_restricted");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_restrictions_in_a_proof_what_is_closed_is_sent_all_the_same() {
    let app = App::start().await;
    let mut config = config(&app.database, &app.keys, &app.auth.uri(), NOWHERE);
    config.ablate = serde_json::from_value(json!(["restriction"])).unwrap();
    let app = App { messaging: Running::start(config, system_clock()), ..app };
    close(&app, &closing(&app, &["Student"], "closed", 90)).await;
    app.send(Who::PUPIL, to_person(Who::TEACHER)).await.expect(201);
}

/// How many restrictions are in force of this mode and scope, as the service tells those who watch.
async fn told(app: &App, mode: &str, scope: &str) -> Option<u64> {
    let request = app.messaging.internal_client().request(reqwest::Method::GET, "/metrics");
    let text = request.send().await.unwrap().text().await.unwrap();
    let is_meant = |line: &&str| {
        let has = |label: &str, value: &str| line.contains(&format!("{label}=\"{value}\""));
        line.starts_with("ent_restrictions_in_force{") && has("mode", mode) && has("scope", scope)
    };
    text.lines().find(is_meant)?.rsplit(' ').next()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_force_is_told_to_those_who_watch() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let are = async |figures: [(&'static str, &'static str, u64); 3]| {
        eventually(&format!("{figures:?}"), async || {
            for (mode, scope, count) in figures {
                if told(&app, mode, scope).await != Some(count) {
                    return false;
                }
            }
            true
        })
        .await;
    };
    are([("closed", "school", 0), ("hold", "school", 0), ("closed", "all_schools", 0)]).await;
    let ids = close(&app, &closing(&app, &["Student", "Guardian"], "closed", 90)).await;
    let everywhere = format!(
        "insert into send_restriction values ('{}', '{}', 'Student', 'from', 'closed', false, 'R', 'A', '{now}', '{now}'::timestamptz + interval '1 hour')",
        Uuid::nil(),
        Uuid::max(),
        now = app.clock.utc().to_rfc3339(),
    );
    app.database.connect().await.batch_execute(&everywhere).await.unwrap();
    are([("closed", "school", 2), ("hold", "school", 0), ("closed", "all_schools", 1)]).await;
    reopen_by_two(&app, ids[1], "hold").await;
    are([("closed", "school", 1), ("hold", "school", 1), ("closed", "all_schools", 1)]).await;
    app.pass(&clock, Duration::from_mins(91)).await;
    are([("closed", "school", 0), ("hold", "school", 0), ("closed", "all_schools", 0)]).await;
}
