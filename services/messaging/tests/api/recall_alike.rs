//! Settles how a recall finds a campaign by one of its messages, and that what it withdrew is held when it comes again.

use chrono::TimeDelta;
use futures_util::future::join;
use serde_json::{Value, json};
use shared::session::Role;
use shared::testing::eventually;
use uuid::Uuid;

use crate::app::{App, CLASS, OTHER_SCHOOL, SCHOOL, Who, to_class};
use crate::hold::{NOTICE, VARIANT, ordinary, pupil, to_pupils};
use crate::operate::done;
use crate::recall::{decide_by_two, extent, preview, recall_of, recalls, withdraw};

/// The class of locks that sends share.
const SENDING: i32 = 0x7365_6e64;
const OTHER: &str =
    "Bonjour, ma fille est malade et ne viendra pas ce matin. Merci de noter son absence. Cordialement.";

fn alike(app: &App, id: &Value) -> Value {
    json!({ "kind": "alike", "message_id": id, "since": app.clock.utc() - TimeDelta::hours(1) })
}

/// Whether the text is held because it was withdrawn before.
fn is_remembered(held: &Value) -> bool {
    let reasons = held["hold"]["reasons"].as_array().unwrap();
    reasons.iter().any(|reason| reason["code"] == "similar_refused")
}

async fn sent(app: &App, who: Who, body: Value) -> Value {
    app.send(who, body).await.expect(201).body["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_found_by_one_of_its_messages_and_held_when_it_comes_again() {
    let app = App::start().await;
    ordinary(&app).await;
    let bad = sent(&app, Who::PUPIL, to_pupils(1, 5, NOTICE)).await;
    sent(&app, Who::CLASSMATE, to_pupils(6, 5, VARIANT)).await;
    sent(&app, Who::TEACHER, to_pupils(1, 5, OTHER)).await;
    assert_eq!(preview(&app, &alike(&app, &bad)).await["schools"], extent(2, 0, 10, 0));
    let recall = withdraw(&app, &alike(&app, &bad)).await;
    assert_eq!(recall["schools"], extent(2, 0, 10, 0));
    assert_eq!((app.unread(pupil(1)).await, app.unread(pupil(6)).await), (1, 0));

    let again = app.send(pupil(40), to_pupils(11, 5, VARIANT)).await.expect(202).body;
    assert!(is_remembered(&again), "{again}");
    let named = withdraw(&app, &json!({ "kind": "messages", "ids": [bad] })).await;
    decide_by_two(&app, &recall["id"], "restore").await;
    let again = app.send(pupil(42), to_pupils(21, 5, NOTICE)).await.expect(202).body;
    assert!(is_remembered(&again), "another recall in force teaches it: {again}");
    decide_by_two(&app, &named["id"], "restore").await;
    assert_eq!((app.unread(pupil(1)).await, app.unread(pupil(6)).await), (2, 1));
    let again = app.send(pupil(41), to_pupils(16, 5, VARIANT)).await.expect(202).body;
    assert!(!is_remembered(&again), "still several people who send the same, and nothing worse: {again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_find_a_campaign_in_every_school_and_a_school_only_its_own() {
    let app = App::start().await;
    let sql = format!(
        "insert into directory.membership select '{OTHER_SCHOOL}', ('00000000-0000-0000-0000-00000000003' || n)::uuid, 'Student'
           from generate_series(0, 2) n;
         insert into roster.student_group values ('{OTHER_SCHOOL}', '{CLASS}', 'class', '2de');
         insert into roster.enrolment select '{OTHER_SCHOOL}', '{CLASS}', ('00000000-0000-0000-0000-00000000003' || n)::uuid, 'student'
           from generate_series(0, 2) n;"
    );
    app.database.connect().await.batch_execute(&sql).await.unwrap();
    let bad = sent(&app, Who::TEACHER, to_class_with(NOTICE)).await;
    let (thief, victim) = (Who(0x30, OTHER_SCHOOL, Role::Student), Uuid::from_u128(0x31));
    let audience = json!({ "kind": "people", "school_id": OTHER_SCHOOL, "ids": [victim] });
    let next_door = sent(&app, thief, json!({ "subject": "S", "body": VARIANT, "audience": audience })).await;

    let of_ours = recall_of(&alike(&app, &next_door));
    let head = app.proved(Who::PRINCIPAL);
    let problem = head.post(&recalls(""), &of_ours).await.expect(422).body;
    assert!(problem["detail"].as_str().unwrap().contains("no such message here"), "{problem}");

    let since = (app.clock.utc() - TimeDelta::hours(1)).to_rfc3339();
    let which = ["--alike", bad.as_str().unwrap(), "--since", &since];
    let counted = done(&app, &[&["preview-recall"], &which[..]].concat()).await;
    assert_eq!(counted.lines().count(), 2, "{counted}");
    let why = ["--reason", "Canular.", "--authority", "Rectorat"];
    done(&app, &[&["recall"], &which[..], &why[..]].concat()).await;
    assert_eq!(app.unread(Who(0x31, OTHER_SCHOOL, Role::Student)).await, 0);
    assert_eq!(app.unread(Who::PUPIL).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_go_on_while_a_campaign_is_looked_for_and_what_came_meanwhile_goes_with_it() {
    let app = App::start().await;
    ordinary(&app).await;
    let bad = sent(&app, Who::PUPIL, to_pupils(1, 5, NOTICE)).await;
    let [looking, sending, watching] =
        [app.database.connect().await, app.database.connect().await, app.database.connect().await];
    // The first look comes no further than to the list of schools, and one send of the school is under way.
    looking.batch_execute("begin; lock table directory.school in access exclusive mode").await.unwrap();
    let sql = format!("begin; select pg_advisory_xact_lock_shared({SENDING}, hashtext('{SCHOOL}'))");
    sending.batch_execute(&sql).await.unwrap();
    let holding_back = async |is_granted: bool| -> i64 {
        let sql = "select count(*) from pg_locks where locktype = 'advisory' and classid::int = $1 and mode = 'ExclusiveLock'
                     and granted = $2 and database = (select oid from pg_database where datname = current_database())";
        watching.query_one(sql, &[&SENDING, &is_granted]).await.unwrap().get(0)
    };
    let recall = async { withdraw(&app, &alike(&app, &bad)).await };
    let meanwhile = async {
        eventually("the first look is under way", async || {
            let sql =
                "select count(*) from pg_locks where not granted and relation = 'directory.school'::regclass";
            watching.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == 1
        })
        .await;
        assert_eq!((holding_back(true).await, holding_back(false).await), (0, 0), "nobody waits for it");
        looking.batch_execute("commit").await.unwrap();
        eventually("it waits for the send", async || holding_back(false).await == 1).await;
        let sql = format!(
            "insert into message (school_id, id, thread_id, sender_id, audience, recipient_count, body, sent_at, fingerprint)
               select school_id, 'ffffffff-0000-7000-8000-000000000000', thread_id, '{}', audience, 0, body, now(), fingerprint
               from message where id = '{}';
             commit",
            Who::CLASSMATE.id(),
            bad.as_str().unwrap()
        );
        sending.batch_execute(&sql).await.unwrap();
    };
    let (withdrawn, ()) = join(recall, meanwhile).await;
    assert_eq!(withdrawn["schools"], extent(2, 0, 5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_compared_is_refused_and_nothing_is_withdrawn() {
    let app = App::start().await;
    let short = sent(&app, Who::TEACHER, to_class(CLASS, &["student"])).await;
    let table = [(short, "too short"), (json!(Uuid::from_u128(0xdead)), "no such message here")];
    for (id, expected) in table {
        let body = recall_of(&alike(&app, &id));
        let problem = app.proved(Who::PRINCIPAL).post(&recalls(""), &body).await.expect(422).body;
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{problem}");
    }
    assert_eq!((app.unread(Who::PUPIL).await, app.kept("messages_quarantined").await), (1, 0));
}

fn to_class_with(body: &str) -> Value {
    let audience = json!({ "kind": "group", "school_id": SCHOOL, "id": CLASS, "parts": ["student"] });
    json!({ "subject": "S", "body": body, "audience": audience })
}
