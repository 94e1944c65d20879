//! Settles how the inbox is paged: newest first, each message once.

use serde_json::Value;

use crate::app::{App, CLASS, Who, to_class};

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_message_once_newest_first() {
    let app = App::start().await;
    for number in 0..5 {
        let mut message = to_class(CLASS, &["student"]);
        message["subject"] = format!("Sujet {number}").into();
        app.send(Who::TEACHER, message).await.expect(201);
    }
    let pupil = app.browser(Who::PUPIL);
    let mut subjects: Vec<Value> = vec![];
    let mut address = "/messaging/v1/inbox?limit=2".to_owned();
    loop {
        let page = pupil.get(&address).await.expect(200).body;
        let messages = page["messages"].as_array().unwrap();
        assert!(messages.len() <= 2);
        subjects.extend(messages.iter().map(|message| message["subject"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        address = format!("/messaging/v1/inbox?limit=2&before={next}");
    }
    assert_eq!(subjects, ["Sujet 4", "Sujet 3", "Sujet 2", "Sujet 1", "Sujet 0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_pages_are_refused_by_name() {
    let app = App::start().await;
    for query in ["before=1", "limit=many", "page=2"] {
        let answer = app.browser(Who::PUPIL).get(&format!("/messaging/v1/inbox?{query}")).await;
        answer.expect_problem(400, "malformed_query");
    }
    app.messaging.client().get("/messaging/v1/inbox").await.expect_problem(401, "sign_in_required");
}
