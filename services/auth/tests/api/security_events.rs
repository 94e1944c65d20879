//! Settles what is kept of sign-ins and credentials, that it delays none of them, and that whatever is missing is told.

use std::time::Duration;

use auth::Auth;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use shared::clock::system_clock;
use shared::testing::{Running, eventually};
use uuid::Uuid;

use crate::app::{App, PASSWORD, TOTP_SECRET, claims, config, one_time_code, sign_in};
use crate::siblings::token_of;

const ZOE: &str = "00000000-0000-0000-0000-000000000001";
const SCHOOL: &str = "00000000-0000-0000-0000-0000000000a1";

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The hours around now, as a question.
fn around_now() -> String {
    let now = system_clock().utc();
    format!("from={}&until={}", text(now - TimeDelta::hours(1)), text(now + TimeDelta::hours(1)))
}

async fn ask_as(app: &App, token: Option<&str>, question: &str) -> (u16, Value) {
    let client = app.auth.internal_client();
    let request = client.request(Method::GET, &format!("/internal/v1/security-events?{question}"));
    let request = token.iter().fold(request, reqwest::RequestBuilder::bearer_auth);
    let answer = client.send(request).await;
    (answer.status, answer.body)
}

async fn page(app: &App, question: &str) -> Value {
    let (status, body) = ask_as(app, Some(&token_of(app, "messaging", "auth")), question).await;
    assert_eq!(status, 200, "{body}");
    body
}

async fn events(app: &App, question: &str) -> Vec<Value> {
    page(app, question).await["events"].as_array().unwrap().clone()
}

/// Events of this kind once there are so many, counting those that stand in one row.
async fn kept(app: &App, kind: &str, count: i64) -> Vec<Value> {
    let found = async || {
        let events = events(app, &around_now()).await;
        events.into_iter().filter(|event| event["kind"] == kind).collect::<Vec<_>>()
    };
    let sum = |events: &[Value]| events.iter().map(|event| event["count"].as_i64().unwrap()).sum::<i64>();
    eventually(kind, async || sum(&found().await) == count).await;
    found().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_is_kept_with_its_time_account_address_device_session_and_school() {
    let app = App::start().await;
    let browser = app.browser();
    let body = json!({ "login": "zoe.martin", "password": PASSWORD });
    for _ in 0..2 {
        let request = browser.request(Method::POST, "/auth/v1/sessions").json(&body);
        let request = request.header("x-forwarded-for", "198.51.100.7, 203.0.113.9");
        browser.send(request).await.expect(201);
    }
    let events = kept(&app, "signed_in", 2).await;
    let first = &events[0];
    assert_eq!((&first["person_id"], &first["school_ids"]), (&json!(ZOE), &json!([SCHOOL])));
    // Only the last hop is a trusted proxy's word.
    assert_eq!((&first["address"], &first["detail"]), (&json!("203.0.113.9"), &json!("password")));
    assert_eq!((&first["is_new_device"], &events[1]["is_new_device"]), (&json!(true), &json!(false)));
    assert_eq!(first["device_id"], events[1]["device_id"], "one browser is one device");
    assert_eq!(events[1]["session_id"], claims(&browser)["sid"]);
    let at: DateTime<Utc> = first["at"].as_str().unwrap().parse().unwrap();
    assert!((system_clock().utc() - at).num_seconds() < 60);
    browser.delete("/auth/v1/sessions/current").await.expect(204);
    assert_eq!(kept(&app, "signed_out", 1).await[0]["session_id"], claims_sid(&events[1]));
}

fn claims_sid(event: &Value) -> Value {
    event["session_id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_step_ups_and_new_passwords_are_kept_with_their_reasons() {
    let app = App::start().await;
    for _ in 0..3 {
        sign_in(&app.browser(), "zoe.martin", "wrong").await.expect(401);
    }
    sign_in(&app.browser(), "paul.durand", PASSWORD).await.expect_problem(401, "totp_required");
    sign_in(&app.browser(), PASSWORD, "typed into the wrong field").await.expect(401);
    let refused = kept(&app, "sign_in_refused", 5).await;
    let reasons_of = |person: Value| {
        let of_person = refused.iter().filter(|event| event["person_id"] == person);
        of_person.map(|event| event["detail"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert!(reasons_of(json!(ZOE)).iter().all(|reason| *reason == "credentials_wrong"));
    assert_eq!(reasons_of(json!("00000000-0000-0000-0000-000000000002")), ["second_factor_missing"]);
    assert_eq!(reasons_of(Value::Null), ["credentials_wrong"]);
    let told = serde_json::to_string(&refused).unwrap();
    assert!(!told.contains(PASSWORD), "what was typed as a login may be a password: {told}");

    let code = one_time_code(TOTP_SECRET, &*system_clock());
    let paul = app.browser();
    let body = json!({ "login": "paul.durand", "password": PASSWORD, "totp_code": code });
    paul.post("/auth/v1/sessions", &body).await.expect(201);
    let used = json!({ "totp_code": code });
    paul.post("/auth/v1/sessions/step-up", &used).await.expect_problem(401, "totp_code_used");
    assert_eq!(kept(&app, "step_up_refused", 1).await[0]["session_id"], claims(&paul)["sid"]);
    assert_eq!(kept(&app, "signed_in", 1).await[0]["detail"], "password_and_code");
    paul.delete("/auth/v1/sessions").await.expect(204);
    kept(&app, "sessions_ended", 1).await;
    let wrong = json!({ "login": "zoe.martin", "code": "0000-0000-0000", "new_password": "tiroir vif bleu" });
    app.browser().post("/auth/v1/password-resets", &wrong).await.expect_problem(401, "code_wrong");
    assert_eq!(kept(&app, "code_refused", 1).await[0]["detail"], "reset");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_go_on_while_events_cannot_be_written_and_what_is_lost_is_told() {
    let app = App::start().await;
    let small = config(&app.database, &app.keys, json!({ "security_events": { "queue": 4 } }));
    let app = App { auth: Running::start(small, system_clock()), ..app };
    let mut blocker = app.database.connect().await;
    let lock = blocker.transaction().await.unwrap();
    lock.batch_execute("lock table security_event in access exclusive mode").await.unwrap();
    // The worker holds what it took before it waits, so more than the queue may be under way.
    sign_in(&app.browser(), "zoe.martin", "wrong").await.expect(401);
    let status =
        async || app.auth.internal_client().get("/statusz").await.expect(200).body["security_events"].clone();
    eventually("the worker waits", async || status().await["waiting"] == 0).await;
    let began = system_clock().now();
    for number in 0..3 {
        app.signed_in("zoe.martin").await;
        for _ in 0..2 {
            let nobody = format!("nobody.{number}");
            sign_in(&app.browser(), &nobody, "wrong").await.expect(401);
        }
    }
    assert!(began.elapsed() < Duration::from_secs(5), "nobody waits for the events");
    assert_eq!(status().await, json!({ "waiting": 7, "lost": 2 }));
    drop(lock);
    drop(blocker);
    // A flood of refusals has lost refusals only.
    kept(&app, "signed_in", 3).await;
    kept(&app, "sign_in_refused", 5).await;
    eventually("the loss is told", async || page(&app, &around_now()).await["gaps"][0]["lost"] == 2).await;
    let gaps = page(&app, &around_now()).await["gaps"].clone();
    assert_eq!((gaps.as_array().unwrap().len(), &gaps[0]["instance"]), (1, &json!("auth-test")));
    let earlier = system_clock().utc() - TimeDelta::hours(2);
    let before = format!("from={}&until={}", text(earlier), text(earlier + TimeDelta::minutes(30)));
    assert_eq!(page(&app, &before).await["gaps"], json!([]), "another window misses nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_died_with_what_it_held_is_a_gap_and_one_that_ended_is_none() {
    let app = App::start().await;
    let beside = Running::<Auth>::start(config(&app.database, &app.keys, json!({})), system_clock());
    let database = app.database.connect().await;
    drop(beside);
    let ended = "select count(*) from security_event_writer where ended_at is not null";
    assert_eq!(database.query_one(ended, &[]).await.unwrap().get::<_, i64>(0), 1);
    assert_eq!(page(&app, &around_now()).await["gaps"], json!([]));
    let died = "insert into security_event_writer (id, instance, started_at, written_at)
                values (gen_random_uuid(), 'auth-9', now() - interval '1 hour', now() - interval '20 minutes')";
    database.batch_execute(died).await.unwrap();
    let gaps = page(&app, &around_now()).await["gaps"].clone();
    assert_eq!(
        (&gaps[0]["instance"], &gaps[0]["lost"], &gaps[0]["until"]),
        (&json!("auth-9"), &Value::Null, &Value::Null)
    );
    let until = page(&app, &around_now()).await["written_until"].as_str().unwrap().parse::<DateTime<Utc>>();
    assert!(
        (system_clock().utc() - until.unwrap()).num_seconds() < 30,
        "those that live say how far they are"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_events_are_read_page_by_page_by_account_and_by_network() {
    let app = App::start().await;
    let sql = format!(
        "insert into security_event (id, at, last_at, count, kind, person_id, school_ids, address)
         select gen_random_uuid(), now() - interval '1 ms' * (n / 3), now(), 1, 'sign_in_refused',
                lpad((n % 100)::text, 32, '0')::uuid, array['{SCHOOL}']::uuid[],
                ('203.0.' || n % 10 || '.' || n % 250)::inet
         from generate_series(1, 10500) n"
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
    let began = system_clock().now();
    let (mut ids, mut after) = (std::collections::BTreeSet::new(), String::new());
    loop {
        let page = page(&app, &format!("{}{after}", around_now())).await;
        let events = page["events"].as_array().unwrap();
        ids.extend(events.iter().map(|event| event["id"].as_str().unwrap().to_owned()));
        if page["is_last"] == true {
            break;
        }
        let last = events.last().unwrap();
        let (at, id) = (last["at"].as_str().unwrap(), last["id"].as_str().unwrap());
        after = format!("&after_at={at}&after_id={id}");
    }
    assert_eq!(ids.len(), 10_500);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let people = [1, 2].map(|n| Uuid::from_u128(n).to_string()).join(",");
    assert_eq!(events(&app, &format!("{}&people={people}", around_now())).await.len(), 210);
    assert_eq!(events(&app, &format!("{}&address=203.0.4.0/24", around_now())).await.len(), 1_050);
    assert_eq!(events(&app, &format!("{}&address=203.0.4.4", around_now())).await.len(), 42);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_siblings_read_them_and_a_bad_question_is_told() {
    let app = App::start().await;
    let token = token_of(&app, "messaging", "auth");
    assert_eq!(ask_as(&app, None, &around_now()).await.0, 401);
    assert_eq!(ask_as(&app, Some(&token_of(&app, "messaging", "courses")), &around_now()).await.0, 401);
    app.browser().get(&format!("/internal/v1/security-events?{}", around_now())).await.expect(404);
    let (now, many) = (text(system_clock().utc()), vec![ZOE; 51].join(","));
    for bad in [
        String::new(),
        format!("from={now}&until={now}"),
        format!("{}&people=zoe", around_now()),
        format!("{}&people={many}", around_now()),
        format!("{}&address=here", around_now()),
        format!("{}&after_id={ZOE}", around_now()),
    ] {
        assert_eq!(ask_as(&app, Some(&token), &bad).await.0, 400, "{bad}");
    }
}
