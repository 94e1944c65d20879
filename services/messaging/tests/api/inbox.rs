//! Settles how mailboxes are paged: newest first, each message once, while others arrive, and however much was withdrawn.

use serde_json::{Value, json};
use shared::session::Role;
use shared::testing::Client;

use crate::app::{App, CLASS, OTHER_SCHOOL, SCHOOL, Who, to_class};

/// The ids of every message of a list, page by page, with what is done between two pages.
pub async fn ids_of_pages(
    browser: &Client,
    list: &str,
    limit: usize,
    between: impl AsyncFn(),
) -> Vec<String> {
    let joint = if list.contains('?') { '&' } else { '?' };
    let mut address = format!("{list}{joint}limit={limit}");
    let mut ids = vec![];
    loop {
        let page = browser.get(&address).await.expect(200).body;
        let messages = page["messages"].as_array().unwrap();
        assert!(messages.len() <= limit);
        ids.extend(messages.iter().map(|message| message["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { return ids };
        address = format!("{list}{joint}limit={limit}&after={next}");
        between().await;
    }
}

/// Sends so many messages to the pupils of the class, and says their ids, the newest first.
pub async fn send_many(app: &App, count: usize) -> Vec<String> {
    let mut ids = vec![];
    for _ in 0..count {
        let sent = app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect(201);
        ids.insert(0, sent.body["id"].as_str().unwrap().to_owned());
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_message_once_newest_first_while_others_arrive() {
    let app = App::start().await;
    let sent = send_many(&app, 7).await;
    let arrive = async || drop(send_many(&app, 1).await);
    let pupil = app.browser(Who::PUPIL);
    assert_eq!(ids_of_pages(&pupil, "/messaging/v1/inbox", 2, &arrive).await, sent);
    let teacher = app.browser(Who::TEACHER);
    let all = ids_of_pages(&teacher, "/messaging/v1/sent", 100, async || ()).await;
    assert_eq!(all.len(), 10, "seven, and one after each of three pages");
    assert_eq!(ids_of_pages(&teacher, "/messaging/v1/sent", 3, &arrive).await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_somebody_with_two_schools_is_in_one_order() {
    let app = App::start().await;
    let both = [Who::PUPIL, Who(1, OTHER_SCHOOL, Role::Teacher)];
    let sql = "insert into directory.membership values
                 ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-000000000001', 'Teacher')";
    app.database.connect().await.batch_execute(sql).await.unwrap();
    let audience = json!({ "kind": "role", "school_id": OTHER_SCHOOL, "role": "Teacher" });
    let mut sent = vec![];
    for _ in 0..4 {
        sent.extend(send_many(&app, 1).await);
        let elsewhere = json!({ "subject": "S", "body": "B", "audience": audience });
        let elsewhere = app.send(Who::STRANGER, elsewhere).await.expect(201);
        sent.push(elsewhere.body["id"].as_str().unwrap().to_owned());
    }
    sent.reverse();
    let person = app.browser_with(&both, |_| {});
    assert_eq!(ids_of_pages(&person, "/messaging/v1/inbox", 3, async || ()).await, sent);
    app.browser(Who::PUPIL).get("/messaging/v1/inbox").await.expect(200);
}

/// Mail of two schools by the thousand, written into the tables: of the one every message is withdrawn but the oldest two.
const WITHDRAWN: &str = "
    create function numbered(school text, n int) returns uuid language sql as
      $$ select ('018f0000-' || lpad(to_hex(n), 4, '0') || '-7000-8000-' || school)::uuid $$;
    insert into directory.membership values
      ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-000000000001', 'Teacher');
    insert into thread select s.id, numbered(s.name, n), 'S', s.id, now()
      from (values ('00000000-0000-0000-0000-0000000000a1'::uuid, '0000000000a1'), ('00000000-0000-0000-0000-0000000000a2', '0000000000a2')) s(id, name),
           generate_series(1, 2600) n where s.name = '0000000000a1' or n <= 60;
    insert into message (school_id, id, thread_id, sender_id, audience, recipient_count, body, sent_at, state)
      select school_id, id, id, school_id, '{}', 1, 'B', now(),
             case when school_id = '00000000-0000-0000-0000-0000000000a1' and id > numbered('0000000000a1', 2) then 'recalled' else 'visible' end
      from thread;
    insert into delivery (school_id, recipient_id, message_id, thread_id)
      select school_id, '00000000-0000-0000-0000-000000000001', id, id from message;";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_withdrawn_by_the_thousand_leaves_short_pages_and_nothing_out() {
    let app = App::start().await;
    app.database.connect().await.batch_execute(WITHDRAWN).await.unwrap();
    let person = app.browser_with(&[Who::PUPIL, Who(1, OTHER_SCHOOL, Role::Teacher)], |_| {});
    let first = person.get("/messaging/v1/inbox?limit=100").await.expect(200).body;
    assert!(first["next"].is_string() && first["messages"].as_array().unwrap().is_empty(), "{first}");
    let ids = ids_of_pages(&person, "/messaging/v1/inbox", 7, async || ()).await;
    assert_eq!(ids.len(), 62);
    assert!(ids.is_sorted_by(|newer, older| newer > older), "{ids:?}");
    assert_eq!(app.unread(Who::PUPIL).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_pages_are_refused_by_name() {
    let app = App::start().await;
    let pupil = app.browser(Who::PUPIL);
    for list in ["inbox", "sent", "threads/00000000-0000-0000-0000-000000000001"] {
        for query in ["after=1", "limit=many", "page=2"] {
            let answer = pupil.get(&format!("/messaging/v1/{list}?{query}")).await;
            answer.expect_problem(400, "malformed_query");
        }
        for limit in [0, 101] {
            let answer = pupil.get(&format!("/messaging/v1/{list}?limit={limit}")).await;
            answer.expect_problem(422, "invalid_body");
        }
    }
    app.messaging.client().get("/messaging/v1/inbox").await.expect_problem(401, "sign_in_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_sent_is_listed_with_its_audience_until_it_is_withdrawn() {
    let app = App::start().await;
    let audience = json!({ "kind": "people", "school_id": SCHOOL, "ids": [Who::PUPIL.id()] });
    let sent = app.send(Who::TEACHER, json!({ "subject": "S", "body": "B", "audience": audience })).await;
    sent.expect(201);
    let list = async || {
        app.browser(Who::TEACHER).get("/messaging/v1/sent").await.expect(200).body["messages"].clone()
    };
    let listed = list().await;
    assert_eq!((&listed[0]["audience"], &listed[0]["recipient_count"]), (&audience, &json!(1)));
    assert_eq!((&listed[0]["subject"], &listed[0]["state"]), (&json!("S"), &json!("visible")));
    assert!(
        app.browser(Who::PUPIL).get("/messaging/v1/sent").await.body["messages"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    app.database.connect().await.batch_execute("update message set state = 'held'").await.unwrap();
    assert_eq!(list().await[0]["state"], "held");
    app.database.connect().await.batch_execute("update message set state = 'recalled'").await.unwrap();
    assert_eq!(list().await, Value::Array(vec![]));
}
