//! Settles what a recall hides and from whom, what people read instead, who decides about it, and who had read it.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use shared::session::Role;
use shared::testing::{Answer, Client};
use uuid::Uuid;

use crate::app::{App, CLASS, OTHER_CLASS, OTHER_SCHOOL, SCHOOL, Who, to_class};
use crate::hold::NOTICE;
use crate::operate::done;
use crate::stand_in::StandIn;

/// An address of the school's recalls.
pub fn recalls(rest: &str) -> String {
    format!("/messaging/v1/schools/{SCHOOL}/recalls{rest}")
}

/// Everything that these people sent in the last hour.
pub fn by_senders(app: &App, people: &[Who]) -> Value {
    let ids: Vec<Uuid> = people.iter().map(|who| who.id()).collect();
    json!({ "kind": "senders", "ids": ids, "since": app.clock.utc() - TimeDelta::hours(1) })
}

/// The body of a recall.
pub fn recall_of(selector: &Value) -> Value {
    let contact = "vie scolaire, 01 23 45 67 89";
    json!({ "selector": selector, "reason": "Compte piraté.", "contact": contact, "authority": "Principal" })
}

/// Withdraws as the head; what was answered.
pub async fn withdraw(app: &App, selector: &Value) -> Value {
    app.proved(Who::PRINCIPAL).post(&recalls(""), &recall_of(selector)).await.expect(201).body
}

pub async fn preview(app: &App, selector: &Value) -> Value {
    let body = json!({ "selector": selector });
    app.proved(Who::PRINCIPAL).post(&recalls("/preview"), &body).await.expect(200).body
}

async fn decide(person: &Client, id: &Value, what: &str) -> Answer {
    let id = id.as_str().unwrap();
    person.post(&recalls(&format!("/{id}/{what}")), &json!({ "authority": "Principal" })).await
}

/// Two persons decide.
pub async fn decide_by_two(app: &App, id: &Value, what: &str) {
    assert_eq!(decide(&app.proved(Who::PRINCIPAL), id, what).await.expect(200).body["state"], "waiting");
    assert_eq!(decide(&app.proved(Who::ADMIN), id, what).await.expect(200).body["state"], "done");
}

pub fn extent(messages: i64, quoting: i64, copies: i64, read: i64) -> Value {
    json!([{ "school_id": SCHOOL, "messages": messages, "quoting": quoting, "copies": copies, "read": read }])
}

fn of_thread(thread: &Value, to: Who, body: &str) -> Value {
    let audience = json!({ "kind": "people", "school_id": SCHOOL, "ids": [to.id()] });
    json!({ "thread_id": thread, "body": body, "audience": audience })
}

async fn thread(app: &App, who: Who, id: &Value) -> Answer {
    app.browser(who).get(&format!("/messaging/v1/threads/{}", id.as_str().unwrap())).await
}

async fn read(app: &App, who: Who, id: &Value) {
    let address = format!("/messaging/v1/threads/{}/read", id.as_str().unwrap());
    app.browser(who).post(&address, &json!({})).await.expect(204);
}

/// The texts of a thread as somebody sees it.
async fn texts(app: &App, who: Who, id: &Value) -> Vec<String> {
    let seen = thread(app, who, id).await.expect(200).body;
    let texts = seen["messages"].as_array().unwrap().iter();
    texts.map(|message| message["body"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_copy_is_hidden_at_once_and_its_place_says_whom_to_ask() {
    let app = App::start().await;
    let bad = app.send(Who::PUPIL, to_class(CLASS, &["student", "teacher"])).await.expect(201).body;
    let good = app.send(Who::TEACHER, to_class(CLASS, &["student", "guardian"])).await.expect(201).body;
    let thread_id = &bad["thread_id"];
    app.send(Who::CLASSMATE, of_thread(thread_id, Who::TEACHER, "Qui a écrit cela ?")).await.expect(201);
    read(&app, Who::CLASSMATE, thread_id).await;
    let selector = by_senders(&app, &[Who::PUPIL]);
    assert_eq!(preview(&app, &selector).await["schools"], extent(1, 0, 2, 1));
    assert_eq!(app.unread(Who::TEACHER).await, 2, "a preview changes nothing");
    let withdrawn = withdraw(&app, &selector).await;
    assert_eq!(withdrawn["schools"], extent(1, 0, 2, 1));

    let seen = thread(&app, Who::CLASSMATE, thread_id).await.expect(200).body;
    assert_eq!(seen["subject"], "Message retiré / Message withdrawn", "a subject can threaten as well");
    let first = &seen["messages"][0];
    assert_eq!(
        (&first["state"], &first["sender_id"], &first["sender_name"]),
        (&json!("recalled"), &Value::Null, &Value::Null)
    );
    let text = first["body"].as_str().unwrap();
    for part in ["a été retiré", "was withdrawn", "Collège Test (vie scolaire, 01 23 45 67 89)"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(seen["messages"][1]["body"], "Qui a écrit cela ?");
    assert_eq!(texts(&app, Who::PUPIL, thread_id).await, [text], "its sender reads the same");
    thread(&app, Who::GUARDIAN, thread_id).await.expect_problem(404, "thread_not_found");

    let subjects: Vec<Value> =
        app.inbox(Who::TEACHER).await.iter().map(|one| one["subject"].clone()).collect();
    assert_eq!(subjects, ["Message retiré / Message withdrawn"], "the answer, without what it answers");
    assert_eq!((app.unread(Who::TEACHER).await, app.unread(Who::CLASSMATE).await), (1, 1));
    assert_eq!(
        texts(&app, Who::PUPIL, &good["thread_id"]).await,
        ["Rendez-vous à 8 h."],
        "others are not concerned"
    );
    assert_eq!(app.kept("messages_quarantined").await, 1);
    let nothing = withdraw(&app, &by_senders(&app, &[Who::GUARDIAN])).await;
    assert_eq!((&nothing["id"], &nothing["schools"]), (&Value::Null, &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_again_is_the_same_and_overlapping_recalls_are_restored_one_by_one() {
    let app = App::start().await;
    let sent = app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201).body;
    let (head, body) = (app.proved(Who::PRINCIPAL), recall_of(&by_senders(&app, &[Who::PUPIL])));
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = head.request(Method::POST, &recalls("")).header("Idempotency-Key", "r").json(&body);
        answers.push(head.send(request).await.expect(201).body);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(app.kept("messages_quarantined").await, 1);
    let named = withdraw(&app, &json!({ "kind": "messages", "ids": [sent["id"]] })).await;
    assert_eq!(named["schools"], answers[0]["schools"], "what is hidden already is covered as well");
    decide_by_two(&app, &answers[0]["id"], "restore").await;
    assert!(app.inbox(Who::CLASSMATE).await.is_empty(), "the other recall still covers it");
    decide_by_two(&app, &named["id"], "restore").await;
    assert_eq!((app.inbox(Who::CLASSMATE).await.len(), app.unread(Who::CLASSMATE).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_persons_restore_or_make_final_and_what_is_final_stays_so() {
    let app = App::start().await;
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201);
    let id = withdraw(&app, &by_senders(&app, &[Who::PUPIL])).await["id"].clone();
    let (head, admin) = (app.proved(Who::PRINCIPAL), app.proved(Who::ADMIN));
    for _ in 0..2 {
        let waiting = decide(&head, &id, "restore").await.expect(200).body;
        assert_eq!((&waiting["state"], &waiting["decision"]), (&json!("waiting"), &json!("restored")));
    }
    assert_eq!(
        decide(&admin, &id, "make-final").await.expect(200).body["state"],
        "waiting",
        "another question"
    );
    assert!(app.inbox(Who::CLASSMATE).await.is_empty(), "one person shows nothing");
    assert_eq!(decide(&head, &id, "make-final").await.expect(200).body["state"], "done");
    decide(&admin, &id, "restore").await.expect_problem(409, "recall_decided");
    assert!(app.inbox(Who::CLASSMATE).await.is_empty());
    let database = app.database.connect().await;
    for sql in ["update message set state = 'visible'", "update recall set state = 'restored'"] {
        let refusal = database.batch_execute(sql).await.unwrap_err();
        assert_eq!(refusal.code().unwrap().code(), "42501", "{sql}");
    }
    let listed = app.browser(Who::ADMIN).get(&recalls("")).await.expect(200).body;
    let listed = &listed["recalls"][0];
    assert_eq!((&listed["id"], &listed["state"], &listed["copies"]), (&id, &json!("final"), &json!(1)));
    assert_eq!((app.kept("recall_decision_asked").await, app.kept("recall_made_final").await), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_of_a_school_can_be_of_some_roles_only() {
    let app = App::start().await;
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201);
    app.send(Who::PRINCIPAL, to_class(CLASS, &["student"])).await.expect(201);
    // A guardian who teaches there is no guardian for this: their messages are the school's.
    let sql = "insert into directory.membership values
        ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000004', 'Guardian')";
    app.database.connect().await.batch_execute(sql).await.unwrap();
    app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect(201);
    let since = app.clock.utc() - TimeDelta::minutes(5);
    let window = |roles: &[Role]| json!({ "kind": "window", "since": since, "roles": roles });
    assert_eq!(
        withdraw(&app, &window(&[Role::Student, Role::Guardian])).await["schools"],
        extent(1, 0, 1, 0)
    );
    assert_eq!(app.unread(Who::CLASSMATE).await, 2);
    let mut ended = window(&[]);
    ended["until"] = json!(since + TimeDelta::seconds(1));
    assert_eq!(withdraw(&app, &ended).await["schools"], json!([]));
    assert_eq!(withdraw(&app, &window(&[])).await["schools"], extent(3, 0, 5, 0));
    assert_eq!(app.unread(Who::CLASSMATE).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_quotes_a_message_goes_with_it() {
    let app = App::start().await;
    let mut message = to_class(CLASS, &["student", "teacher"]);
    message["body"] = json!("Une phrase assez longue\npour être citée.");
    let bad = app.send(Who::PUPIL, message).await.expect(201).body;
    let forward = |quotes: &Value, to: Value| {
        let mut forward = to;
        forward["quotes"] = quotes.clone();
        forward
    };
    let stranger = forward(&bad["id"], to_class(OTHER_CLASS, &["student"]));
    app.send(Who::PRINCIPAL, stranger).await.expect_problem(404, "quoted_message_not_found");
    let first =
        app.send(Who::TEACHER, forward(&bad["id"], to_class(OTHER_CLASS, &["student"]))).await.expect(201);
    let second =
        app.send(Who::OTHER_PUPIL, forward(&first.body["id"], to_class(OTHER_CLASS, &["student"]))).await;
    second.expect_problem(422, "no_recipients");
    let quoted = "Voyez :\n> Une phrase  assez longue\n> pour être citée.\nQue faire ?";
    app.send(Who::CLASSMATE, of_thread(&bad["thread_id"], Who::TEACHER, quoted)).await.expect(201);
    app.send(Who::CLASSMATE, of_thread(&bad["thread_id"], Who::TEACHER, "Une phrase.")).await.expect(201);
    let selector = json!({ "kind": "messages", "ids": [bad["id"]] });
    assert_eq!(preview(&app, &selector).await["schools"], extent(3, 2, 4, 0));
    assert_eq!(withdraw(&app, &selector).await["schools"], extent(3, 2, 4, 0));
    assert!(app.inbox(Who::OTHER_PUPIL).await.is_empty(), "the forward");
    let seen = texts(&app, Who::TEACHER, &bad["thread_id"]).await;
    assert_eq!(seen[2], "Une phrase.");
    assert!(seen[..2].iter().all(|text| text.contains("was withdrawn")), "{seen:?}");
    let late = forward(&bad["id"], to_class(OTHER_CLASS, &["student"]));
    app.send(Who::TEACHER, late).await.expect_problem(404, "quoted_message_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_had_read_it_are_listed_page_by_page() {
    let app = App::start().await;
    let sent = app.send(Who::TEACHER, to_class(CLASS, &["student", "guardian"])).await.expect(201).body;
    for who in [Who::PUPIL, Who::GUARDIAN] {
        read(&app, who, &sent["thread_id"]).await;
    }
    let withdrawn = withdraw(&app, &by_senders(&app, &[Who::TEACHER])).await;
    assert_eq!(withdrawn["schools"], extent(1, 0, 3, 2));
    let id = withdrawn["id"].as_str().unwrap();
    let page = async |query: &str| {
        let address = recalls(&format!("/{id}/readers?limit=1{query}"));
        app.browser(Who::PRINCIPAL).get(&address).await.expect(200).body
    };
    let first = page("").await;
    let reader = &first["readers"][0];
    assert_eq!((&reader["name"], &reader["roles"]), (&json!("Zoé Martin"), &json!(["Student"])));
    let second = page(&format!("&after={}", first["next"].as_str().unwrap())).await;
    assert_eq!(second["readers"][0]["person_id"], json!(Who::GUARDIAN.id()));
    let third = page(&format!("&after={}", second["next"].as_str().unwrap())).await;
    assert_eq!(third, json!({ "readers": [], "next": null }));
    let nobody = recalls(&format!("/{}/readers", Uuid::from_u128(404)));
    app.browser(Who::PRINCIPAL).get(&nobody).await.expect_problem(404, "recall_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_is_not_shown_by_a_recall_nor_by_its_restoration() {
    let app = App::start().await;
    let sent = app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201).body;
    app.database.connect().await.batch_execute("update message set state = 'held'").await.unwrap();
    let id = withdraw(&app, &by_senders(&app, &[Who::PUPIL])).await["id"].clone();
    let hidden = async || thread(&app, Who::CLASSMATE, &sent["thread_id"]).await.code() == "thread_not_found";
    assert!(hidden().await, "nobody has seen it, so there is no place for it");
    decide_by_two(&app, &id, "restore").await;
    assert!(hidden().await && app.unread(Who::CLASSMATE).await == 0, "it is held again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_released_between_two_recalls_comes_back_as_it_was_last() {
    let app = App::start().await;
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201);
    let database = app.database.connect().await;
    database.batch_execute("update message set state = 'held'").await.unwrap();
    let selector = by_senders(&app, &[Who::PUPIL]);
    let first = withdraw(&app, &selector).await["id"].clone();
    decide_by_two(&app, &first, "restore").await;
    assert_eq!(app.unread(Who::CLASSMATE).await, 0, "it is held again");
    database.batch_execute("update message set state = 'visible'").await.unwrap();
    let overlapping = [withdraw(&app, &selector).await, withdraw(&app, &selector).await];
    for recall in overlapping {
        assert_eq!(app.unread(Who::CLASSMATE).await, 0);
        decide_by_two(&app, &recall["id"], "restore").await;
    }
    assert_eq!(app.unread(Who::CLASSMATE).await, 1, "what was held long ago counts no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_counts_once_at_a_time_and_withdraws_meanwhile() {
    let app = App::start().await;
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201);
    let selector = by_senders(&app, &[Who::PUPIL]);
    let (body, head) = (json!({ "selector": selector }), app.proved(Who::PRINCIPAL));
    let no_code = app.browser(Who::PRINCIPAL);
    no_code.post(&recalls("/preview"), &body).await.expect_problem(403, "step_up_required");
    // Another preview is under way.
    let counting = app.database.connect().await;
    let sql = format!("begin; select pg_advisory_xact_lock({}, hashtext('{SCHOOL}'))", 0x7270_7276);
    counting.batch_execute(&sql).await.unwrap();
    let refused = head.post(&recalls("/preview"), &body).await;
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    refused.expect_problem(409, "preview_under_way");
    let next_door = format!("/messaging/v1/schools/{OTHER_SCHOOL}/recalls/preview");
    app.proved(Who::STRANGER).post(&next_door, &body).await.expect(200);
    assert_eq!(withdraw(&app, &selector).await["schools"], extent(1, 0, 1, 0));
    counting.batch_execute("commit").await.unwrap();
    assert_eq!(preview(&app, &selector).await["schools"], extent(1, 0, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_reads_nothing_of_whom_a_recall_of_all_schools_names_elsewhere() {
    let app = App::start().await;
    let ours = app.send(Who::TEACHER, to_class_with(NOTICE)).await.expect(201).body["id"].clone();
    let since = (app.clock.utc() - TimeDelta::hours(1)).to_rfc3339();
    let (teacher, stranger) = (Who::TEACHER.id().to_string(), Who::STRANGER.id().to_string());
    let theirs = Uuid::from_u128(0x7e).to_string();
    let sql = format!(
        "insert into message (school_id, id, thread_id, sender_id, audience, recipient_count, body, sent_at, fingerprint)
           select s.id, '{theirs}', m.thread_id, '{stranger}', audience, 0, body, sent_at, fingerprint
           from message m, directory.school s where s.id = '{OTHER_SCHOOL}'"
    );
    let thread = format!(
        "insert into thread select '{OTHER_SCHOOL}', id, subject, started_by, started_at from thread"
    );
    let database = app.database.connect().await;
    database.batch_execute(&format!("{thread}; {sql}")).await.unwrap();
    let why = ["--since", &since, "--reason", "R", "--authority", "Rectorat"];
    let of = async |which: &[&str]| done(&app, &[&["recall"], which, &why[..]].concat()).await;
    of(&["--sender", &teacher, "--sender", &stranger]).await;
    of(&["--alike", &theirs]).await;
    of(&["--alike", ours.as_str().unwrap()]).await;
    let listed = app.browser(Who::PRINCIPAL).get(&recalls("")).await.expect(200).body;
    let [ours_alike, theirs_alike, senders] = [0, 1, 2].map(|n| listed["recalls"][n]["selector"].clone());
    assert_eq!(senders["ids"], json!([Who::TEACHER.id()]));
    assert_eq!((&theirs_alike, &ours_alike["message_id"]), (&Value::Null, &ours));
    let whole = listed.to_string();
    assert!(!whole.contains(&stranger) && !whole.contains(&theirs), "{whole}");
    let everywhere = done(&app, &["recalls"]).await;
    assert_eq!(everywhere.lines().count(), 6, "{everywhere}");
}

fn to_class_with(body: &str) -> Value {
    let mut message = to_class(CLASS, &["student"]);
    message["body"] = json!(body);
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recall_that_cannot_be_changes_nothing() {
    let app = App::start().await;
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201);
    let head = app.proved(Who::PRINCIPAL);
    let fine = recall_of(&by_senders(&app, &[Who::PUPIL]));
    let with = |pointer: &str, value: Value| {
        let mut body = fine.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (body, status, code) in [
        (with("/selector/ids", json!([])), 422, "invalid_body"),
        (with("/selector/since", json!(app.clock.utc() + TimeDelta::hours(1))), 422, "invalid_body"),
        (with("/selector/since", json!(app.clock.utc() - TimeDelta::days(31))), 422, "invalid_body"),
        (with("/selector/kind", json!("everything")), 400, "malformed_body"),
        (with("/reason", json!("")), 422, "invalid_body"),
        (with("/contact", json!("")), 422, "invalid_body"),
        (with("/authority", json!(" ")), 422, "invalid_body"),
    ] {
        head.post(&recalls(""), &body).await.expect_problem(status, code);
    }
    app.browser(Who::PRINCIPAL).post(&recalls(""), &fine).await.expect_problem(403, "step_up_required");
    app.proved(Who::TEACHER).post(&recalls(""), &fine).await.expect_problem(403, "not_allowed");
    app.proved(Who::STRANGER).post(&recalls(""), &fine).await.expect_problem(404, "school_not_found");
    let missing = json!(Uuid::from_u128(404));
    decide(&head, &missing, "restore").await.expect_problem(404, "recall_not_found");
    assert_eq!((app.unread(Who::CLASSMATE).await, app.kept("messages_quarantined").await), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_recalls_in_a_proof_what_is_withdrawn_is_seen_all_the_same() {
    let auth = StandIn::start().await;
    let ablate = serde_json::from_value(json!(["recall"])).unwrap();
    let app = App::start_changed(&auth.server.uri(), |config| config.ablate = ablate).await;
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect(201);
    assert_eq!(withdraw(&app, &by_senders(&app, &[Who::PUPIL])).await["schools"], extent(1, 0, 1, 0));
    assert_eq!((app.inbox(Who::CLASSMATE).await.len(), app.unread(Who::CLASSMATE).await), (1, 1));
}
