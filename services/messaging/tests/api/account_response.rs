//! Settles what one act does about stolen accounts: they send nothing more, nobody sees what they sent, and auth contains each once.

use chrono::TimeDelta;
use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};
use shared::ablation::{Ablation, Part};
use shared::clock::system_clock;
use shared::fault::NetworkFault;
use shared::session::Role;
use shared::testing::{Answer, Client, FaultProxy, eventually};
use uuid::Uuid;

use crate::app::{App, CLASS, OTHER_SCHOOL, SCHOOL, Who, to_class};
use crate::hold::{NOTICE, VARIANT};
use crate::recall::recalls;
use crate::stand_in::StandIn;

/// An address of the school's responses.
pub fn responses(rest: &str) -> String {
    format!("/messaging/v1/schools/{SCHOOL}/account-responses{rest}")
}

/// The body of a response to accounts that were stolen an hour ago.
pub fn stolen(people: &[Who]) -> Value {
    let people: Vec<Uuid> = people.iter().map(|who| who.id()).collect();
    let since = system_clock().utc() - TimeDelta::hours(1);
    json!({ "people": people, "since": since, "reason": "Comptes volés.", "authority": "Rectorat" })
}

/// Asks under a key.
pub async fn respond(admin: &Client, key: &str, body: &Value) -> Answer {
    let request = admin.request(Method::POST, &responses(""));
    admin.send(request.header("Idempotency-Key", key).json(body)).await
}

/// Until auth has contained all accounts of a response; what it looks like then.
pub async fn completed(admin: &Client, id: &str) -> Value {
    let show = async || admin.get(&responses(&format!("/{id}"))).await.expect(200).body;
    eventually("the response is complete", async || !show().await["completed_at"].is_null()).await;
    show().await
}

/// A messaging beside this auth, reached at `address`.
pub async fn start(address: &str) -> App {
    App::start_changed(address, |_| {}).await
}

async fn send_as(browser: &Client) -> Answer {
    browser.post("/messaging/v1/messages", &to_class(CLASS, &["student"])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_act_silences_withdraws_and_contains() {
    let auth = StandIn::start().await;
    let app = start(&auth.server.uri()).await;
    for who in [Who::PUPIL, Who::TEACHER] {
        app.send(who, to_class(CLASS, &["student"])).await.expect(201);
    }
    let admin = app.proved(Who::ADMIN);
    crate::incident::insert(&app, Uuid::from_u128(0x1c)).await;
    let mut body = stolen(&[Who::PUPIL, Who::GUARDIAN]);
    body["incident"] = json!(Uuid::from_u128(0x1c));
    let done = respond(&admin, "k", &body).await.expect(201).body;
    assert_eq!((&done["accounts"], &done["schools"][0]["messages"]), (&json!(2), &json!(1)));
    send_as(&app.browser(Who::PUPIL)).await.expect_problem(403, "account_contained");
    assert_eq!(app.unread(Who::CLASSMATE).await, 1, "the teacher's");
    let progress = completed(&admin, done["id"].as_str().unwrap()).await;
    assert_eq!((&progress["accounts"], &progress["waiting"]), (&json!(2), &json!(0)));
    assert!(progress["members"].as_array().unwrap().iter().all(|one| one["state"] == "contained"));
    assert_eq!(auth.contained(), [Who::PUPIL.id(), Who::GUARDIAN.id()]);
    // Whoever has the account back signs in again, beyond that epoch.
    let epoch = auth.epoch_of(Who::PUPIL.id());
    for (ep, status) in [(epoch - 1, 403), (epoch, 201)] {
        let browser = app.browser_with(&[Who::PUPIL], |claims| claims.ep = ep);
        send_as(&browser).await.expect(status);
    }
    assert_eq!(respond(&admin, "k", &stolen(&[Who::PUPIL])).await.status, 422, "another request");
    let listed = admin.get(&responses("")).await.expect(200).body;
    assert_eq!(listed["responses"][0]["id"], done["id"]);
    let recall = app.browser(Who::PRINCIPAL).get(&recalls("")).await.expect(200).body;
    assert_eq!(
        (&recall["recalls"][0]["id"], &recall["recalls"][0]["state"]),
        (&done["recall_id"], &json!("quarantined"))
    );
    for act in ["accounts_contained", "account_response_completed"] {
        assert_eq!(app.kept(act).await, 1, "{act}");
    }
    assert_eq!(auth.incidents(), [Some(Uuid::from_u128(0x1c)); 2], "auth keeps it under the same incident");
    let sql = "select count(*) from audit_leaf where content::json #>> '{details,incident}' is not null";
    let of_incident: i64 = app.database.connect().await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(of_incident, 2, "so is what was done here");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_auth_is_away_they_are_silent_all_the_same_and_wait_visibly() {
    let auth = StandIn::start().await;
    let proxy = FaultProxy::in_front_of(&auth.server.address().to_string()).await;
    let app = start(&format!("http://{}", proxy.address())).await;
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201);
    let admin = app.proved(Who::ADMIN);
    proxy.set(NetworkFault::Refuse);
    let done = respond(&admin, "k", &stolen(&[Who::PUPIL])).await.expect(201).body;
    send_as(&app.browser(Who::PUPIL)).await.expect_problem(403, "account_contained");
    assert_eq!(app.unread(Who::CLASSMATE).await, 0);
    let path = responses(&format!("/{}", done["id"].as_str().unwrap()));
    eventually("the answer says what it waits for", async || {
        let progress = admin.get(&path).await.expect(200).body;
        progress["waiting"] == 1 && progress["members"][0]["waiting_for"] == "auth_unreachable"
    })
    .await;
    let status = app.messaging.internal_client().get("/statusz").await.body["account_responses"].clone();
    assert_eq!((&status["waiting_for_auth"], status["since"].is_string()), (&json!(1), true), "{status}");
    assert_eq!(app.kept("account_response_completed").await, 0);
    proxy.restore();
    completed(&admin, done["id"].as_str().unwrap()).await;
    assert_eq!(auth.contained(), [Who::PUPIL.id()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auth_that_refuses_is_asked_again_and_a_missing_account_is_said_to_be_missing() {
    let auth = StandIn::start().await;
    let app = start(&auth.server.uri()).await;
    let admin = app.proved(Who::ADMIN);
    auth.refuse(Some(401));
    let done = respond(&admin, "k", &stolen(&[Who::PUPIL])).await.expect(201).body;
    let id = done["id"].as_str().unwrap();
    assert_eq!((&done["recall_id"], &done["schools"]), (&Value::Null, &json!([])));
    let show = async || admin.get(&responses(&format!("/{id}"))).await.expect(200).body;
    eventually("it is refused", async || show().await["members"][0]["waiting_for"] == "auth_refuses").await;
    eventually("it is asked again", async || auth.calls() > 1).await;
    auth.refuse(Some(404));
    assert_eq!(completed(&admin, id).await["members"][0]["state"], "no_account");
    send_as(&app.browser(Who::PUPIL)).await.expect_problem(403, "account_contained");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_accounts_are_one_act() {
    let auth = StandIn::start().await;
    let app = start(&auth.server.uri()).await;
    let sql = "insert into directory.membership
        select '00000000-0000-0000-0000-0000000000a1', ('00000000-0000-0000-0001-' || lpad(n::text, 12, '0'))::uuid, 'Student'
        from generate_series(1, 500) n returning person_id";
    let rows = app.database.connect().await.query(sql, &[]).await.unwrap();
    let mut body = stolen(&[]);
    body["people"] = json!(rows.iter().map(|row| row.get(0)).collect::<Vec<Uuid>>());
    let admin = app.proved(Who::ADMIN);
    let done = respond(&admin, "k", &body).await.expect(201).body;
    completed(&admin, done["id"].as_str().unwrap()).await;
    assert_eq!((auth.contained().len(), auth.calls()), (500, 500), "each once");
    assert_eq!((app.kept("accounts_contained").await, app.kept("account_response_completed").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_full_of_the_longest_messages_keeps_nobody_from_containing_their_sender() {
    let auth = StandIn::start().await;
    let app = start(&auth.server.uri()).await;
    let bad = app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201).body;
    // By two in turn, each text almost in the next one: nothing tells them apart before their ends.
    let sql = format!(
        "insert into message (school_id, id, thread_id, sender_id, audience, recipient_count, body, sent_at)
           select school_id, ('ffffffff-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, thread_id,
                  ('00000000-0000-0000-0000-00000000000' || 1 + n % 2)::uuid, audience, 0,
                  case n % 2 when 0 then repeat('a', 9990 + n) || 'b' else repeat('a ', 5000) || repeat('a', 9800) || n end, sent_at
           from message, generate_series(1, 200) n;
         update message set body = repeat('menace ', 2850) where id = '{}'",
        bad["id"].as_str().unwrap()
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
    let selector = crate::recall::by_senders(&app, &[Who::PUPIL]);
    assert_eq!(crate::recall::preview(&app, &selector).await["schools"][0]["messages"], 101);
    let done = respond(&app.proved(Who::ADMIN), "k", &stolen(&[Who::PUPIL])).await.expect(201).body;
    assert_eq!(done["schools"][0]["messages"], 101);
    send_as(&app.browser(Who::PUPIL)).await.expect_problem(403, "account_contained");
    assert_eq!(app.unread(Who::CLASSMATE).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stolen_account_sent_next_door_is_hidden_there_and_decided_there() {
    let auth = StandIn::start().await;
    let app = start(&auth.server.uri()).await;
    let sql = "insert into directory.membership values
        ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-000000000004', 'Teacher')";
    app.database.connect().await.batch_execute(sql).await.unwrap();
    let audience = json!({ "kind": "role", "school_id": Who::STRANGER.1, "role": "Principal" });
    let both = app.browser_with(&[Who::TEACHER, Who(4, Who::STRANGER.1, Role::Teacher)], |_| {});
    let body = json!({ "subject": "S", "body": "B", "audience": audience });
    both.post("/messaging/v1/messages", &body).await.expect(201);
    assert_eq!(app.unread(Who::STRANGER).await, 1);
    let done = respond(&app.proved(Who::ADMIN), "k", &stolen(&[Who::TEACHER])).await.expect(201).body;
    assert_eq!(done["schools"][0]["school_id"], json!(Who::STRANGER.1));
    assert_eq!(app.unread(Who::STRANGER).await, 0);
    both.post("/messaging/v1/messages", &body).await.expect_problem(403, "account_contained");
    let next_door = format!("/messaging/v1/schools/{}/recalls", Who::STRANGER.1);
    let listed = app.browser(Who::STRANGER).get(&next_door).await.expect(200).body;
    assert_eq!(listed["recalls"][0]["id"], done["recall_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_teaches_texts_of_its_own_and_operators_those_of_all() {
    let app = App::start().await;
    let sql = "insert into directory.membership values
        ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-000000000004', 'Teacher')";
    app.database.connect().await.batch_execute(sql).await.unwrap();
    let both = app.browser_with(&[Who::TEACHER, Who(4, OTHER_SCHOOL, Role::Teacher)], |_| {});
    for (school, role, body) in [(OTHER_SCHOOL, "Principal", NOTICE), (SCHOOL, "Principal", VARIANT)] {
        let audience = json!({ "kind": "role", "school_id": school, "role": role });
        let body = json!({ "subject": "S", "body": body, "audience": audience });
        let sent = both.post("/messaging/v1/messages", &body).await;
        assert!(matches!(sent.status, 201 | 202), "{sent:?}");
    }
    let taught = async || -> Vec<Uuid> {
        let sql = "select distinct school_id from text_band where kind = 1 order by 1";
        let rows = app.database.connect().await.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    };
    let done = respond(&app.proved(Who::ADMIN), "k", &stolen(&[Who::TEACHER])).await.expect(201).body;
    assert_eq!(done["schools"].as_array().unwrap().len(), 2, "it is withdrawn in both");
    assert_eq!(taught().await, [SCHOOL]);
    let (person, since) =
        (Who::TEACHER.id().to_string(), (app.clock.utc() - TimeDelta::hours(1)).to_rfc3339());
    let stolen =
        ["respond", "--person", &person, "--since", &since, "--reason", "Vol.", "--authority", "Rectorat"];
    crate::operate::done(&app, &stolen).await;
    assert_eq!(taught().await, [SCHOOL, OTHER_SCHOOL]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_cannot_be_changes_nothing() {
    let auth = StandIn::start().await;
    let app = start(&auth.server.uri()).await;
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201);
    let sql = "insert into directory.membership values
        ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-000000000005', 'LocalAdmin'),
        ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000015', 'LocalAdmin')";
    app.database.connect().await.batch_execute(sql).await.unwrap();
    let admin = app.proved(Who::ADMIN);
    let other_admin = Who(5, SCHOOL, Role::Teacher);
    let mut late = stolen(&[Who::PUPIL]);
    late["since"] = json!(app.clock.utc() + TimeDelta::hours(1));
    for (body, status, code) in [
        (stolen(&[]), 422, "invalid_body"),
        (late, 422, "invalid_body"),
        (stolen(&[Who::PUPIL, Who::STRANGER]), 422, "not_of_the_school"),
        (stolen(&[Who::PUPIL, other_admin]), 403, "administrator_account"),
    ] {
        respond(&admin, "k", &body).await.expect_problem(status, code);
    }
    let fine = stolen(&[Who::PUPIL]);
    respond(&app.browser(Who::ADMIN), "k", &fine).await.expect_problem(403, "step_up_required");
    respond(&app.proved(Who::PRINCIPAL), "k", &fine).await.expect_problem(403, "not_allowed");
    let missing = responses(&format!("/{}", Uuid::from_u128(404)));
    admin.get(&missing).await.expect_problem(404, "response_not_found");
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201);
    assert_eq!((app.unread(Who::CLASSMATE).await, app.kept("accounts_contained").await), (2, 0));
    assert_eq!(auth.calls(), 0);
}

/// Sends until it is told that the account is being secured.
async fn send_until_contained(app: &App, who: Who) {
    loop {
        let answer = app.send(who, to_class(CLASS, &["student"])).await;
        match (answer.status, answer.code()) {
            (403, "account_contained") => return,
            (201 | 429 | 503, _) => {}
            _ => panic!("{answer:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_sends_at_once_none_is_accepted_or_seen_after_the_response() {
    let auth = StandIn::start().await;
    // They send more than an account may in an hour.
    let ablate = Ablation::default().without(Part::Budgets);
    let app = App::start_changed(&auth.server.uri(), |config| config.ablate = ablate).await;
    let database = app.database.connect().await;
    let count = async |state: &str| -> i64 {
        let sql = "select count(*) from message where state = $1";
        database.query_one(sql, &[&state]).await.unwrap().get(0)
    };
    let people = [Who::PUPIL, Who::CLASSMATE].repeat(8);
    let sending = join_all(people.into_iter().map(|who| send_until_contained(&app, who)));
    let responding = async {
        eventually("they send", async || count("visible").await > 50).await;
        respond(&app.proved(Who::ADMIN), "k", &stolen(&[Who::PUPIL, Who::CLASSMATE])).await.expect(201);
        (count("recalled").await, count("visible").await)
    };
    let (_, (recalled, visible)) = join(sending, responding).await;
    assert_eq!((count("recalled").await, visible, count("visible").await), (recalled, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_revocations_in_a_proof_a_contained_account_sends_on() {
    let auth = StandIn::start().await;
    let ablate = serde_json::from_value(json!(["revocation"])).unwrap();
    let app = App::start_changed(&auth.server.uri(), |config| config.ablate = ablate).await;
    respond(&app.proved(Who::ADMIN), "k", &stolen(&[Who::PUPIL])).await.expect(201);
    send_as(&app.browser(Who::PUPIL)).await.expect(201);
}
