//! Settles what the people of a thread see of it, and what nobody else sees.

use serde_json::json;

use crate::app::{App, CLASS, SCHOOL, Who, to_class};

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_goes_back_and_forth_and_is_read() {
    let app = App::start().await;
    let sent = app.send(Who::TEACHER, to_class(CLASS, &["student", "guardian"])).await.expect(201);
    let thread = sent.body["thread_id"].as_str().unwrap().to_owned();
    let address = format!("/messaging/v1/threads/{thread}");
    let audience = json!({ "kind": "people", "school_id": SCHOOL, "ids": [Who::TEACHER.id()] });
    let reply = json!({ "thread_id": thread, "body": "Présent.", "audience": audience });
    app.send(Who::PUPIL, reply).await.expect(201);

    let seen = app.browser(Who::TEACHER).get(&address).await.expect(200).body;
    assert_eq!(seen["subject"], "Sortie");
    let bodies: Vec<_> =
        seen["messages"].as_array().unwrap().iter().map(|message| &message["body"]).collect();
    assert_eq!(bodies, ["Rendez-vous à 8 h.", "Présent."]);
    assert_eq!(seen["messages"][1]["sender_name"], "Zoé Martin");

    // The reply went to the teacher alone: a classmate sees the thread without it.
    let classmate = app.browser(Who::CLASSMATE).get(&address).await.expect(200).body;
    assert_eq!(classmate["messages"].as_array().unwrap().len(), 1);

    let read = format!("{address}/read");
    app.browser(Who::TEACHER).post(&read, &json!({})).await.expect(204);
    app.browser(Who::TEACHER).post(&read, &json!({})).await.expect(204);
    assert_eq!(app.unread(Who::TEACHER).await, 0);
    assert_eq!(app.unread(Who::CLASSMATE).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_does_not_exist_for_those_without_part_in_it() {
    let app = App::start().await;
    let sent = app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect(201);
    let address = format!("/messaging/v1/threads/{}", sent.body["thread_id"].as_str().unwrap());
    for who in [Who::PRINCIPAL, Who::OTHER_PUPIL, Who::STRANGER, Who::GUARDIAN] {
        app.browser(who).get(&address).await.expect_problem(404, "thread_not_found");
        app.browser(who)
            .post(&format!("{address}/read"), &json!({}))
            .await
            .expect_problem(404, "thread_not_found");
    }
    app.messaging.client().get(&address).await.expect_problem(401, "sign_in_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_thread_is_paged_backwards_and_each_sees_their_own_part_of_it() {
    let app = App::start().await;
    let sent = app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect(201);
    let thread = sent.body["thread_id"].as_str().unwrap().to_owned();
    let to = |who: Who, number: i32| {
        let audience = json!({ "kind": "people", "school_id": SCHOOL, "ids": [who.id()] });
        json!({ "thread_id": thread, "body": number.to_string(), "audience": audience })
    };
    for number in 0..60 {
        app.send(Who::TEACHER, to(Who::PUPIL, number)).await.expect(201);
        app.send(Who::PUPIL, to(Who::TEACHER, 1_000 + number)).await.expect(201);
    }
    let address = format!("/messaging/v1/threads/{thread}");
    for (who, expected) in [(Who::TEACHER, 121), (Who::PUPIL, 121), (Who::CLASSMATE, 1)] {
        let browser = app.browser(who);
        let mut pages = vec![];
        let mut next = String::new();
        loop {
            let page = browser.get(&format!("{address}?limit=50{next}")).await.expect(200).body;
            assert_eq!(page["subject"], "Sortie");
            let messages = page["messages"].as_array().unwrap();
            pages.insert(
                0,
                messages.iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>(),
            );
            let Some(after) = page["next"].as_str() else { break };
            next = format!("&after={after}");
        }
        let ids = pages.concat();
        assert_eq!(ids.len(), expected, "{}", who.0);
        assert!(
            ids.is_sorted_by(|older, newer| older < newer),
            "older pages first, each in the order of reading"
        );
    }
}
