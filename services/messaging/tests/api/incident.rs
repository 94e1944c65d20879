//! Settles what the people in charge of a school do in an incident of it, what its timeline says, and what they do not see.

use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Value, json};
use shared::testing::{Answer, Client};
use uuid::Uuid;
use wiremock::matchers::{path, path_regex};
use wiremock::{Mock, Request, ResponseTemplate};

use crate::app::{App, CLASS, NOWHERE, OTHER_SCHOOL, SCHOOL, Who, to_class};
use crate::operate::done;
use crate::restriction::{closing, restrictions};

/// An address of the school's incidents.
pub fn incidents(rest: &str) -> String {
    format!("/messaging/v1/schools/{SCHOOL}/incidents{rest}")
}

/// An incident about a pupil's account, since an hour ago.
pub fn opening(app: &App) -> Value {
    let starts_at = app.clock.utc() - TimeDelta::hours(1);
    json!({
        "kind": "hijacked_accounts", "title": "Menaces par messagerie", "accounts": [Who::PUPIL.id()],
        "starts_at": starts_at, "authority": "Police nationale",
    })
}

/// Has auth say that it keeps these many sign-ins of the pupil's account, and nothing of acts.
pub async fn auth_keeps(app: &App, count: usize) {
    let now = app.clock.utc();
    let event = move |number: usize| {
        let at = now - TimeDelta::milliseconds(i64::try_from(count - number).unwrap());
        json!({
            "id": Uuid::from_u128(number as u128 + 1), "at": at.to_rfc3339_opts(SecondsFormat::Micros, true),
            "last_at": at, "count": 1, "kind": "signed_in", "detail": "password", "person_id": Who::PUPIL.id(),
            "school_ids": [SCHOOL], "address": "203.0.113.9", "device_id": Uuid::from_u128(0xd),
            "is_new_device": true, "session_id": Uuid::from_u128(0x5), "browser": "Firefox, Android",
        })
    };
    let page = move |request: &Request| {
        let after = request.url.query_pairs().find(|(name, _)| name == "after_id");
        let after = after.map_or(0, |(_, id)| id.parse::<Uuid>().unwrap().as_u128());
        let first = usize::try_from(after).unwrap();
        let last = (first + 2_000).min(count);
        let events: Vec<Value> = (first..last).map(event).collect();
        let page = json!({ "events": events, "is_last": last == count, "gaps": [], "written_until": null });
        ResponseTemplate::new(200).set_body_json(page)
    };
    Mock::given(path("/internal/v1/security-events")).respond_with(page).mount(&app.auth).await;
    let nothing = ResponseTemplate::new(200).set_body_json(json!({ "entries": [], "proof": null }));
    Mock::given(path_regex("^/internal/v1/incidents/[^/]+/acts$"))
        .respond_with(nothing)
        .mount(&app.auth)
        .await;
}

/// Has an incident of the school open under this id.
pub async fn insert(app: &App, id: Uuid) {
    let sql = format!(
        "insert into incident (id, kind, title, authority, starts_at, opened_at)
           values ('{id}', 'hijacked_accounts', 'T', 'Rectorat', now() - interval '1 hour', now());
         insert into incident_school values ('{SCHOOL}', '{id}')"
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
}

pub async fn open(app: &App) -> String {
    let opened = app.proved(Who::PRINCIPAL).post(&incidents(""), &opening(app)).await.expect(201);
    opened.body["id"].as_str().unwrap().to_owned()
}

async fn read(head: &Client, id: &str) -> Answer {
    head.post(&incidents(&format!("/{id}/timeline")), &json!({ "authority": "Police nationale" })).await
}

fn whats(timeline: &Value) -> Vec<&str> {
    timeline["moments"].as_array().unwrap().iter().map(|moment| moment["what"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_has_what_was_done_signed_in_sent_and_noted_in_one_order_of_time() {
    let app = App::start().await;
    auth_keeps(&app, 2).await;
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201);
    let id = open(&app).await;
    let head = app.proved(Who::PRINCIPAL);
    let mut close = closing(&app, &["Student"], "closed", 90);
    close["incident"] = json!(id);
    head.post(&restrictions(""), &close).await.expect(201);
    let note = json!({ "text": "Appel au commissariat.\nPlainte n° 12.", "authority": "Principal" });
    head.post(&incidents(&format!("/{id}/notes")), &note).await.expect(201);
    let more = json!({ "accounts": [Who::CLASSMATE.id()], "authority": "Principal" });
    head.post(&incidents(&format!("/{id}/accounts")), &more).await.expect(204);
    let timeline = read(&head, &id).await.expect(200).body;
    let expected = ["signed_in", "signed_in", "message_sent", "incident_opened", "sending_restricted"];
    let told = whats(&timeline);
    assert_eq!(told[..5], expected, "{timeline:#}");
    for what in ["note", "incident_noted", "incident_accounts_named", "incident_timeline_read"] {
        assert!(told.contains(&what), "{what}");
    }
    let moment = |what: &str| {
        let found = timeline["moments"].as_array().unwrap().iter().find(|moment| moment["what"] == what);
        found.unwrap().clone()
    };
    let signed_in = moment("signed_in");
    let details = &signed_in["details"];
    assert_eq!(
        (&details["address"], &details["session"]),
        (&json!("203.0.113.9"), &json!(Uuid::from_u128(0x5)))
    );
    assert_eq!(signed_in["subject"], format!("account:{}", Who::PUPIL.id()));
    let restricted = moment("sending_restricted");
    assert_eq!(restricted["authority"], "Rectorat");
    assert_eq!(restricted["actor"], format!("person:{}", Who::PRINCIPAL.id()));
    assert_eq!(restricted["request_id"].as_str().unwrap().len(), 32);
    assert_eq!(moment("message_sent")["details"]["recipients"], 1);
    assert_eq!((&timeline["missing"], &timeline["gaps"]), (&json!([]), &json!([])));

    let page = app.proved(Who::PRINCIPAL);
    let request = page.request(reqwest::Method::POST, &incidents(&format!("/{id}/timeline-page")));
    let answer = request.json(&json!({ "authority": "Principal" })).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    let html = answer.text().await.unwrap();
    assert!(html.contains("sending_restricted") && html.contains("203.0.113.9"), "{html}");

    let closed = head.post(&incidents(&format!("/{id}/close")), &json!({ "authority": "Principal" })).await;
    let in_force = closed.expect(200).body["in_force"].clone();
    assert!(
        in_force[0].as_str().unwrap().contains("closed from Student"),
        "closing ends nothing: {in_force}"
    );
    head.post(&incidents(&format!("/{id}/notes")), &note).await.expect_problem(409, "incident_closed");
    head.post(&restrictions(""), &close).await.expect_problem(409, "incident_closed");
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect_problem(403, "sending_restricted");
    assert_eq!(head.get(&incidents("")).await.expect(200).body["incidents"].as_array().unwrap().len(), 1);
    let shown = head.get(&incidents(&format!("/{id}"))).await.expect(200).body;
    assert_eq!(shown["notes"][0]["text"], note["text"]);
    assert!(shown["closed_at"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_reads_no_sign_ins_of_another_and_nothing_without_a_fresh_code() {
    let app = App::start().await;
    auth_keeps(&app, 1).await;
    let head = app.proved(Who::PRINCIPAL);
    let mut elsewhere = opening(&app);
    elsewhere["accounts"] = json!([Who::PUPIL.id(), Who::STRANGER.id()]);
    head.post(&incidents(""), &elsewhere).await.expect_problem(422, "account_not_of_school");
    assert_eq!(app.kept("incident_opened").await, 0);
    let id = open(&app).await;
    let more = json!({ "accounts": [Who::STRANGER.id()], "authority": "Principal" });
    let accounts = incidents(&format!("/{id}/accounts"));
    head.post(&accounts, &more).await.expect_problem(422, "account_not_of_school");
    read(&app.browser(Who::PRINCIPAL), &id).await.expect_problem(403, "step_up_required");
    assert_eq!(app.kept("incident_timeline_read").await, 0);

    // One of several schools is the operators'; so is one about networks.
    let sql = format!(
        "insert into incident_school values ('{OTHER_SCHOOL}', '{id}');
         insert into incident (id, kind, title, authority, starts_at, opened_at) values
           ('{SCHOOL}', 'flood', 'Flood', 'Rectorat', now(), now());
         insert into incident_school values ('{SCHOOL}', '{SCHOOL}');
         insert into incident_network values ('{SCHOOL}', '203.0.113.0/24');"
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
    for id in [id.as_str(), &SCHOOL.to_string()] {
        read(&head, id).await.expect_problem(404, "incident_not_found");
        head.get(&incidents(&format!("/{id}"))).await.expect_problem(404, "incident_not_found");
        let close = json!({ "authority": "Principal" });
        head.post(&incidents(&format!("/{id}/close")), &close)
            .await
            .expect_problem(404, "incident_not_found");
    }
    assert_eq!(head.get(&incidents("")).await.expect(200).body["incidents"], json!([]));
    // What is done in the school may still belong to the one of several schools.
    let mut close = closing(&app, &["Student"], "closed", 90);
    close["incident"] = json!(id);
    head.post(&restrictions(""), &close).await.expect(201);
    close["incident"] = json!(Uuid::nil());
    head.post(&restrictions(""), &close).await.expect_problem(404, "incident_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_operators_did_in_it_a_school_reads_what_concerns_its_own_people() {
    let app = App::start().await;
    auth_keeps(&app, 1).await;
    let id = open(&app).await;
    let (pupil, stranger) = (Who::PUPIL.id().to_string(), Who::STRANGER.id().to_string());
    let since = (app.clock.utc() - TimeDelta::hours(1)).to_rfc3339();
    let why = ["--since", &since, "--reason", "Vol.", "--incident", &id, "--authority", "Rectorat"];
    let audience = json!({ "kind": "role", "school_id": OTHER_SCHOOL, "role": "Teacher" });
    let sql = format!(
        "insert into directory.membership values ('{OTHER_SCHOOL}', '{}', 'Teacher')",
        Uuid::from_u128(9)
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
    app.send(Who::STRANGER, json!({ "subject": "S", "body": "B", "audience": audience })).await.expect(201);
    done(&app, &[&["recall", "--sender", &stranger], &why[..]].concat()).await;
    done(&app, &[&["respond", "--person", &pupil, "--person", &stranger], &why[..]].concat()).await;
    let named = ["name-accounts", &id, "--person", &stranger, "--authority", "Rectorat"];
    done(&app, &named).await;

    let timeline = read(&app.proved(Who::PRINCIPAL), &id).await.expect(200).body;
    let told = whats(&timeline);
    assert!(told.contains(&"accounts_contained") && !told.contains(&"messages_quarantined"), "{told:?}");
    let whole = timeline.to_string();
    assert!(whole.contains(&pupil) && !whole.contains(&stranger), "{whole}");
    let asked = app.auth.received_requests().await.unwrap();
    let asked: Vec<&str> = asked.iter().filter_map(|request| request.url.query()).collect();
    assert!(
        asked.iter().any(|query| query.contains(&pupil))
            && !asked.iter().any(|query| query.contains(&stranger))
    );
    let all = done(&app, &["timeline", &id]).await;
    assert!(
        all.contains(&stranger) && all.contains("messages_quarantined"),
        "operators read all of it: {all}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_auth_the_timeline_says_what_is_missing() {
    let app = App::start_beside(NOWHERE, NOWHERE).await;
    app.database.connect().await.batch_execute(include_str!("school.sql")).await.unwrap();
    let head = app.proved(Who::PRINCIPAL);
    // Nothing was heard of auth for more than five seconds, so the commands of people are refused; those on the host are not.
    head.post(&incidents(""), &opening(&app)).await.expect_problem(503, "revocation_lag");
    let id = Uuid::from_u128(0x1c);
    let sql = format!(
        "insert into incident (id, kind, title, authority, starts_at, opened_at)
           values ('{id}', 'hijacked_accounts', 'T', 'Rectorat', now() - interval '1 hour', now());
         insert into incident_account values ('{id}', '{}', now());",
        Who::PUPIL.id()
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
    let said = crate::operate::done(&app, &["timeline", &id.to_string()]).await;
    assert!(
        said.contains("missing: what was done in auth: ") && said.contains("missing: sign-ins: "),
        "{said}"
    );
}
