//! Settles what goes on and what waits in messaging while auth is away: an hour of reading and writing to a few, and nothing sensitive.

use std::sync::Arc;
use std::time::Duration;

use messaging::Messaging;
use serde_json::{Value, json};
use shared::session::News;
use shared::testing::{Client, ManualClock, Running, eventually};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::app::{App, CLASS, NOWHERE, SCHOOL, Who, config, to_class};

const INBOX: &str = "/messaging/v1/inbox";
const MESSAGES: &str = "/messaging/v1/messages";

/// Eleven more pupils, so that a message to all of them is a sensitive act.
const PUPILS: &str = "insert into directory.membership
    select '00000000-0000-0000-0000-0000000000a1', ('00000000-0000-0000-0001-' || lpad(n::text, 12, '0'))::uuid, 'Student'
    from generate_series(1, 11) n";

fn to_all_pupils() -> Value {
    let audience = json!({ "kind": "role", "school_id": SCHOOL, "role": "Student" });
    json!({ "subject": "Sortie", "body": "Rendez-vous à 8 h.", "audience": audience })
}

/// A messaging whose time the test moves, beside an auth at this address, with a teacher and a pupil signed in.
async fn start(app: &App, clock: &ManualClock, auth: &str) -> (Running<Messaging>, Client, Client) {
    app.database.connect().await.batch_execute(PUPILS).await.unwrap();
    let config = config(&app.database, &app.keys, auth, NOWHERE);
    let messaging = Running::<Messaging>::start(config, Arc::new(clock.clone()));
    let browser = |who: Who| {
        let token = app.keys.token_at(clock, who.id(), &[(who.1, who.2)]);
        messaging.client().with_token(token)
    };
    let (teacher, pupil) = (browser(Who::TEACHER), browser(Who::PUPIL));
    (messaging, teacher, pupil)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_auth_for_an_hour_people_read_and_write_to_a_few_and_not_to_many() {
    let (app, clock) = (App::start().await, ManualClock::default());
    let (_messaging, teacher, pupil) = start(&app, &clock, NOWHERE).await;
    for _ in 0..6 {
        clock.advance(Duration::from_mins(11));
        pupil.get(INBOX).await.expect(200);
        teacher.post(MESSAGES, &to_class(CLASS, &["student"])).await.expect(201);
        teacher.post(MESSAGES, &to_all_pupils()).await.expect_problem(503, "session_degraded");
    }
    let inbox = pupil.get(INBOX).await.expect(200);
    assert_eq!(inbox.body["messages"].as_array().unwrap().len(), 6, "what was refused is nowhere");
    clock.advance(Duration::from_mins(5));
    pupil.get(INBOX).await.expect_problem(401, "sign_in_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_to_many_wait_while_revocations_are_not_heard_in_time() {
    let auth = MockServer::start().await;
    let nothing = News { after: 0, upto: 0, published: 0, revocations: vec![] };
    let answers = Mock::given(path("/internal/v1/revocations"));
    let answers = answers.respond_with(ResponseTemplate::new(200).set_body_json(&nothing));
    let answers = answers.mount_as_scoped(&auth).await;
    let (app, clock) = (App::start().await, ManualClock::default());
    let (_messaging, teacher, _) = start(&app, &clock, &auth.uri()).await;
    let to_many = to_all_pupils();
    eventually("sent", async || teacher.post(MESSAGES, &to_many).await.status == 201).await;
    drop(answers);
    clock.advance(Duration::from_secs(6));
    teacher.post(MESSAGES, &to_many).await.expect_problem(503, "revocation_lag");
    teacher.post(MESSAGES, &to_class(CLASS, &["student"])).await.expect(201);
    let answers = Mock::given(path("/internal/v1/revocations"));
    answers.respond_with(ResponseTemplate::new(200).set_body_json(&nothing)).mount(&auth).await;
    eventually("sent again", async || teacher.post(MESSAGES, &to_many).await.status == 201).await;
}
