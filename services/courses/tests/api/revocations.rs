//! Settles that courses refuses what auth has revoked, whichever way it hears of it, after a restart too, and goes on for an hour without auth.

use std::sync::Arc;
use std::time::Duration;

use courses::Courses;
use shared::clock::system_clock;
use shared::context::Context;
use shared::redis::Cluster;
use shared::service::Config;
use shared::session::{ACCESS_COOKIE, News, Revocation, Scope, Streams};
use shared::testing::{Client, ManualClock, Running, breakers, eventually};
use tokio::runtime::Handle;
use uuid::Uuid;
use wiremock::matchers::{header_regex, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::app::{App, Who, config};

const HOME: &str = "/courses/v1/home";

fn of_pupil(after: i64, epoch: i64) -> News {
    let scope = Scope::Account { person: Uuid::from_u128(Who::PUPIL.0) };
    News { after, upto: epoch, published: epoch, revocations: vec![Revocation { scope, epoch }] }
}

/// Appends to every stream, as auth does.
async fn tell(config: &Config<courses::Config>, news: &News) {
    let cluster = Cluster::connect(&config.redis, &breakers(), &Handle::current()).await.unwrap();
    let context = Context::background(system_clock(), Duration::from_secs(5));
    let streams = Streams::new(cluster);
    for key in streams.keys() {
        let mark = streams.mark(&context, key).await.unwrap();
        streams.append(&context, key, mark, news).await.unwrap();
    }
}

async fn answer_pages(auth: &MockServer, after: i64, news: &News) {
    Mock::given(path("/internal/v1/revocations"))
        .and(query_param("after", after.to_string()))
        .and(header_regex("authorization", "^Bearer ey"))
        .respond_with(ResponseTemplate::new(200).set_body_json(news))
        .mount(auth)
        .await;
}

async fn refuses(browser: &Client) -> bool {
    let answer = browser.get(HOME).await;
    assert!(answer.status == 200 || answer.code() == "session_revoked", "{answer:?}");
    answer.status == 401
}

/// Ends an instance; its end waits for threads, so it is waited for apart.
async fn end(courses: Running<Courses>) {
    tokio::task::spawn_blocking(move || drop(courses)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_streams_say_is_refused_and_stays_refused_after_a_restart_without_auth() {
    let app = App::start().await;
    let pupil = app.browser(Who::PUPIL);
    pupil.get(HOME).await.expect(200);
    eventually("the pupil is refused", async || {
        // Again and again: an instance hears what is told once it listens.
        tell(&app.config, &of_pupil(0, 1)).await;
        refuses(&pupil).await
    })
    .await;
    app.browser(Who::GUARDIAN).get(HOME).await.expect(200);
    end(app.courses).await;
    let again = Running::<Courses>::start(app.config.clone(), Arc::new(ManualClock::default()));
    let token = pupil.cookie(ACCESS_COOKIE).unwrap();
    again.client().with_token(token).get(HOME).await.expect_problem(401, "session_revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_revoked_before_the_start_is_known_before_the_first_request() {
    let auth = MockServer::start().await;
    answer_pages(&auth, 0, &of_pupil(0, 1)).await;
    let app = App::start().await;
    let config = config(&app.database, &app.keys, &auth.uri());
    let courses = Running::<Courses>::start(config, Arc::new(ManualClock::default()));
    app.browser_at(&courses, Who::PUPIL).get(HOME).await.expect_problem(401, "session_revoked");
    app.browser_at(&courses, Who::GUARDIAN).get(HOME).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_streams_are_silent_auth_is_asked() {
    let auth = MockServer::start().await;
    let nothing = News { after: 0, upto: 0, published: 0, revocations: vec![] };
    let early = Mock::given(path("/internal/v1/revocations"));
    let early = early.respond_with(ResponseTemplate::new(200).set_body_json(&nothing)).mount_as_scoped(&auth);
    let early = early.await;
    let app = App::start().await;
    let config = config(&app.database, &app.keys, &auth.uri());
    let courses = Running::<Courses>::start(config, Arc::new(ManualClock::default()));
    let pupil = app.browser_at(&courses, Who::PUPIL);
    pupil.get(HOME).await.expect(200);
    drop(early);
    answer_pages(&auth, 0, &of_pupil(0, 1)).await;
    answer_pages(&auth, 1, &News { after: 1, upto: 1, published: 1, revocations: vec![] }).await;
    eventually("the pupil is refused", async || refuses(&pupil).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_neither_auth_nor_a_copy_nobody_is_let_in_and_everybody_once_auth_answers() {
    let auth = MockServer::start().await;
    let app = App::start().await;
    let mut config = config(&app.database, &app.keys, &auth.uri());
    config.own.access_tokens.revocations_cache_file = app.keys.file("fetched-revocations");
    let courses = Running::<Courses>::start(config, Arc::new(ManualClock::default()));
    let pupil = app.browser_at(&courses, Who::PUPIL);
    pupil.get(HOME).await.expect_problem(503, "session_keys_unavailable");
    answer_pages(&auth, 0, &News { after: 0, upto: 0, published: 0, revocations: vec![] }).await;
    eventually("the pupil is let in", async || pupil.get(HOME).await.status == 200).await;
    eventually("a copy is kept", async || app.keys.file("fetched-revocations").is_file()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_auth_people_go_on_for_an_hour_after_their_tokens_have_expired() {
    let clock = ManualClock::default();
    let app = App::start().await;
    let courses = Running::<Courses>::start(app.config.clone(), Arc::new(clock.clone()));
    let pupil = app.browser_at(&courses, Who::PUPIL);
    for _ in 0..6 {
        pupil.get(HOME).await.expect(200);
        clock.advance(Duration::from_mins(11));
    }
    pupil.get(HOME).await.expect(200);
    clock.advance(Duration::from_mins(5));
    pupil.get(HOME).await.expect_problem(401, "sign_in_required");
}
