//! Settles that an acknowledged message is never lost and never doubled, whatever happened to the first reply.

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};
use shared::clock::system_clock;
use shared::testing::{Answer, Running};

use crate::app::{App, CLASS, NOWHERE, Who, config, to_class};
use crate::commit_fault::{CommitFault, Lost};

async fn send(app: &App, who: Who, key: &str, body: &Value) -> Answer {
    let browser = app.browser(who);
    let request = browser.request(Method::POST, "/messaging/v1/messages");
    browser.send(request.header("Idempotency-Key", key).json(body)).await
}

fn is_replay(answer: &Answer) -> bool {
    answer.headers.get("idempotency-replayed").is_some_and(|value| value == "true")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_gets_the_same_answer_and_delivers_nothing_again() {
    let app = App::start().await;
    let message = to_class(CLASS, &["student"]);
    let first = send(&app, Who::TEACHER, "k", &message).await.expect(201);
    let again = send(&app, Who::TEACHER, "k", &message).await.expect(201);
    assert_eq!(first.body, again.body);
    assert!(!is_replay(&first) && is_replay(&again));
    assert_eq!(app.unread(Who::PUPIL).await, 1);
    let mut other = message;
    other["body"] = json!("Rendez-vous à 9 h.");
    send(&app, Who::TEACHER, "k", &other).await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(app.unread(Who::PUPIL).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_of_two_people_is_two_messages() {
    let app = App::start().await;
    let message = to_class(CLASS, &["student"]);
    let both = join(send(&app, Who::TEACHER, "k", &message), send(&app, Who::PRINCIPAL, "k", &message)).await;
    assert_ne!(both.0.expect(201).body["id"], both.1.expect(201).body["id"]);
    assert_eq!(app.unread(Who::PUPIL).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_twins_at_once_are_one_message() {
    let app = App::start().await;
    let message = to_class(CLASS, &["student"]);
    let twins = join_all((0..4).map(|_| send(&app, Who::TEACHER, "k", &message))).await;
    let answers: Vec<Answer> = twins.into_iter().map(|twin| twin.expect(201)).collect();
    assert!(answers.windows(2).all(|pair| pair[0].body == pair[1].body));
    assert_eq!(answers.iter().filter(|answer| !is_replay(answer)).count(), 1);
    assert_eq!(app.unread(Who::PUPIL).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_each_request_is_an_act_of_its_own() {
    let app = App::start().await;
    for _ in 0..2 {
        app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect(201);
    }
    assert_eq!(app.unread(Who::PUPIL).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_the_database_is_lost_at_the_commit_a_retry_ends_in_exactly_one_message() {
    let app = App::start().await;
    let own = app.database.config();
    let proxy = CommitFault::in_front_of(&format!("{}:{}", own.host, own.port)).await;
    let mut config = config(&app.database, &app.keys, NOWHERE, NOWHERE);
    config.postgres.port = proxy.port();
    let app = App { messaging: Running::start(config, system_clock()), ..app };
    let mut message = to_class(CLASS, &["student"]);
    for (round, lost) in (1..).zip([Lost::OnTheWay, Lost::OnTheWayBack].repeat(3)) {
        let text = format!("Message-{round}.");
        message["body"] = json!(text);
        proxy.cut(&text, lost);
        send(&app, Who::TEACHER, &text, &message).await.expect_problem(503, "database_unavailable");
        assert!(proxy.has_cut(), "at the commit and not before");
        let retry = send(&app, Who::TEACHER, &text, &message).await.expect(201);
        assert_eq!(is_replay(&retry), lost == Lost::OnTheWayBack, "{lost:?}");
        assert_eq!(app.unread(Who::PUPIL).await, round, "{lost:?}");
    }
}
