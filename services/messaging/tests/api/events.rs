//! Settles what people who listen are told, that nothing is lost between two connections, and when their stream ends.

use std::time::Duration;

use futures_util::future::join_all;
use messaging::Messaging;
use reqwest::Method;
use serde_json::{Value, json};
use shared::clock::{Clock, SystemClock, system_clock};
use shared::session::{Revocation, Role, Scope};
use shared::testing::{Client, FaultProxy, ManualClock, Running, eventually, redis_behind_proxies};

use crate::app::{App, CLASS, NOWHERE, SCHOOL, Who, config, to_class};
use crate::listener::{Heard, Listener, ask, refusal};
use crate::stand_in::StandIn;

/// Another instance of the same messaging.
pub fn another(app: &App) -> Running<Messaging> {
    Running::start(app.config.clone(), app.clock.clone())
}

/// Somebody's browser at that instance.
pub fn at(instance: &Running<Messaging>, app: &App, who: Who) -> Client {
    instance.client().with_token(app.token(&[who], |_| {}))
}

/// The teacher writes to the class.
pub async fn send(app: &App) -> Value {
    app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect(201).body
}

/// Gives a message a state, as whoever holds, releases or recalls does.
pub async fn make(app: &App, state: &str, id: &Value) {
    let sql = format!("update message set state = '{state}' where id = '{}'", id.as_str().unwrap());
    app.database.connect().await.batch_execute(&sql).await.unwrap();
}

fn since(instant: std::time::Instant) -> Duration {
    SystemClock.now().saturating_duration_since(instant)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_and_goes_is_told_at_every_instance_with_the_exact_count() {
    let app = App::start().await;
    let other = another(&app);
    let (mut here, unread) = Listener::start(&app.browser(Who::PUPIL)).await;
    assert_eq!(unread, 0);
    let (mut there, _) = Listener::start(&at(&other, &app, Who::PUPIL)).await;
    let (mut stranger, _) = Listener::start(&app.browser(Who::OTHER_PUPIL)).await;
    let sent = send(&app).await;
    let path = format!("/messaging/v1/threads/{}/read", sent["thread_id"].as_str().unwrap());
    let listed = app.inbox(Who::PUPIL).await[0].clone();
    for listener in [&mut here, &mut there] {
        let heard = listener.next().await;
        assert_eq!((heard.name.as_str(), &heard.data), ("new_message", &listed), "as the inbox shows it");
        assert_eq!(listener.next().await.data["unread_count"], 1);
    }
    make(&app, "held", &sent["id"]).await;
    for listener in [&mut here, &mut there] {
        let gone = listener.next_named("message_withdrawn").await;
        assert_eq!((&gone["id"], &gone["thread_id"]), (&sent["id"], &sent["thread_id"]));
        assert_eq!(listener.next().await.data["unread_count"], 0);
    }
    make(&app, "visible", &sent["id"]).await;
    for listener in [&mut here, &mut there] {
        assert_eq!(listener.next_named("message_released").await, listed);
        assert_eq!(listener.next().await.data["unread_count"], 1);
    }
    app.browser(Who::PUPIL).post(&path, &json!({})).await.expect(204);
    for listener in [&mut here, &mut there] {
        assert_eq!(listener.next().await.data["unread_count"], 0);
    }
    let audience = json!({ "kind": "people", "school_id": SCHOOL, "ids": [Who::OTHER_PUPIL.id()] });
    app.send(Who::PRINCIPAL, json!({ "subject": "S", "body": "B", "audience": audience })).await.expect(201);
    assert_eq!(stranger.next().await.data["subject"], "S", "nothing of the others was heard before it");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_anywhere_is_told_what_they_missed_once() {
    let app = App::start().await;
    let other = another(&app);
    let (mut listener, _) = Listener::start(&app.browser(Who::PUPIL)).await;
    let first = send(&app).await;
    listener.until_unread(1).await;
    let last = listener.last;
    drop(listener);
    let (second, third) = (send(&app).await, send(&app).await);
    make(&app, "recalled", &first["id"]).await;
    make(&app, "recalled", &second["id"]).await;
    eventually("the other instance has read it", async || {
        other.internal_client().get("/statusz").await.body["event_streams"]["position"].as_i64()
            >= last.map(|last| last + 4)
    })
    .await;
    let mut back = Listener::come_back(&at(&other, &app, Who::PUPIL), last).await;
    let told: Vec<Heard> = vec![back.next().await, back.next().await, back.next().await, back.next().await];
    let about: Vec<_> = told.iter().map(|heard| (heard.name.as_str(), &heard.data["id"])).collect();
    assert_eq!(
        about,
        [
            ("new_message", &third["id"]),
            ("message_withdrawn", &first["id"]),
            ("message_withdrawn", &second["id"]),
            ("unread_count", &Value::Null),
        ]
    );
    assert_eq!(told[3].data["unread_count"], 1);
    assert!(told.is_sorted_by_key(|heard| heard.id));
    let again = Listener::come_back(&app.browser(Who::PUPIL), back.last).await.next().await;
    assert_eq!(again.name, "unread_count", "nothing twice");
    let by_parameter = format!("/messaging/v1/events?after={}", last.unwrap());
    let request = app.browser(Who::PUPIL).request(Method::GET, &by_parameter).send().await.unwrap();
    assert_eq!(request.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_missed_too_much_is_told_to_read_everything_anew() {
    let app = App::start().await;
    let (listener, _) = Listener::start(&app.browser(Who::PUPIL)).await;
    let last = listener.last;
    let database = app.database.connect().await;
    let elsewhere = "insert into mail_event (school_id, kind, message_id)
        select '00000000-0000-0000-0000-0000000000a2', 'sent', gen_random_uuid() from generate_series(1, 3000)";
    database.batch_execute(elsewhere).await.unwrap();
    send(&app).await;
    let read = async |position: i64| {
        eventually("it was read", async || {
            app.messaging.internal_client().get("/statusz").await.body["event_streams"]["position"]
                == position
        })
        .await;
    };
    read(3_001).await;
    let pupil = app.browser(Who::PUPIL);
    let heard = async |last: Option<i64>| Listener::come_back(&pupil, last).await.next().await.name;
    assert_eq!(heard(last).await, "new_message", "another school's news do not count");
    let here = elsewhere.replace("0000000000a2", "0000000000a1");
    database.batch_execute(&here).await.unwrap();
    read(6_001).await;
    for last in [last, Some(7_000)] {
        assert_eq!(heard(last).await, "resync", "too much, or never told");
    }
    database.batch_execute("delete from mail_event where position < 5000").await.unwrap();
    assert_eq!(heard(Some(4_998)).await, "resync", "not kept any more");
    assert_eq!(heard(Some(4_999)).await, "unread_count");
    let malformed = pupil.request(Method::GET, "/messaging/v1/events").header("Last-Event-ID", "x");
    pupil.send(malformed).await.expect_problem(400, "malformed_last_event_id");
}

#[tokio::test(flavor = "multi_thread")]
async fn news_are_kept_for_a_day_and_the_last_for_longer() {
    let app = App::start().await;
    let (mut listener, _) = Listener::start(&app.browser(Who::PUPIL)).await;
    for unread in 1..=3 {
        send(&app).await;
        listener.until_unread(unread).await;
    }
    let database = app.database.connect().await;
    database.batch_execute("update mail_event set at = now() - interval '25 hours'").await.unwrap();
    // Every instance deletes what is kept no longer when it starts.
    let _beside = another(&app);
    eventually("the last is left, by which positions go on", async || {
        let left = database.query_one("select array_agg(position) from mail_event", &[]).await.unwrap();
        left.get::<_, Vec<i64>>(0) == [3]
    })
    .await;
    let mut back = Listener::come_back(&app.browser(Who::PUPIL), listener.last).await;
    assert_eq!(back.next().await.name, "unread_count");
    send(&app).await;
    assert_eq!(back.next().await.id, Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_within_a_second_of_the_news_that_its_session_was_ended() {
    let auth = StandIn::start().await;
    let app = App::start_changed(&auth.server.uri(), |_| {}).await;
    let (pupil, _) = Listener::start(&app.browser(Who::PUPIL)).await;
    let (mut other, _) = Listener::start(&app.browser(Who::CLASSMATE)).await;
    auth.revoke(Revocation { scope: Scope::Account { person: Who::PUPIL.id() }, epoch: 1 });
    eventually("it is heard of", async || {
        app.messaging.internal_client().get("/statusz").await.body["revocations"]["applied"] == 1
    })
    .await;
    let heard = SystemClock.now();
    let (told, retry_ms) = pupil.rest().await;
    assert!(since(heard) < Duration::from_secs(1), "{:?}", since(heard));
    assert_eq!(
        (told.len(), &told[0].name, &told[0].data["reason"]),
        (1, &"end".to_owned(), &json!("session_ended"))
    );
    assert!(retry_ms.is_some_and(|ms| ms >= 500));
    send(&app).await;
    other.until_unread(1).await;
    refusal(&app.browser(Who::PUPIL)).await.expect_problem(401, "session_revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_token_and_goes_on_with_the_next_one() {
    let clock = ManualClock::default();
    let app = App::start_at(&clock).await;
    let (listener, _) = Listener::start(&app.browser(Who::PUPIL)).await;
    app.pass(&clock, Duration::from_mins(11)).await;
    let last = listener.last;
    let (told, _) = listener.rest().await;
    assert_eq!(told.last().unwrap().data["reason"], "token_expired");
    send(&app).await;
    Listener::come_back(&app.browser(Who::PUPIL), last).await.until_unread(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_instance_ends_its_streams_and_spreads_those_who_come_back() {
    let app = App::start().await;
    let other = another(&app);
    let pupil = at(&other, &app, Who::PUPIL);
    let opened = join_all((0..5).map(|_| Listener::start(&pupil))).await;
    let listeners: Vec<_> = opened.into_iter().map(|(listener, _)| listener).collect();
    let last = listeners[0].last;
    let stopping = tokio::task::spawn_blocking(move || drop(other));
    let mut retries = vec![];
    for listener in listeners {
        let (told, retry_ms) = listener.rest().await;
        assert_eq!(told.last().unwrap().data["reason"], "stopping");
        retries.push(retry_ms.unwrap());
    }
    stopping.await.unwrap();
    retries.sort_unstable();
    assert!(retries[0] >= 500 && retries[4] <= 10_000 && retries[0] != retries[4], "{retries:?}");
    send(&app).await;
    Listener::come_back(&app.browser(Who::PUPIL), last).await.until_unread(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_of_an_instance_and_of_a_person_hold_and_a_closed_connection_gives_its_place_back() {
    let app = App::start_changed(NOWHERE, |config| {
        (config.own.event_streams.most, config.own.event_streams.most_of_person) = (3, 2);
    })
    .await;
    let (oldest, _) = Listener::start(&app.browser(Who::PUPIL)).await;
    let _second = Listener::start(&app.browser(Who::PUPIL)).await;
    let third = Listener::start(&app.browser(Who::PUPIL)).await;
    let (told, retry_ms) = oldest.rest().await;
    assert_eq!(told[0].data["reason"], "replaced");
    assert!(
        retry_ms.is_some_and(|ms| ms >= 60_000),
        "six pages of one person do not replace each other all the time"
    );
    let _fourth = Listener::start(&app.browser(Who::CLASSMATE)).await;
    refusal(&app.browser(Who::TEACHER)).await.expect_problem(503, "streams_full");
    app.browser(Who::TEACHER).get("/messaging/v1/home").await.expect(200);
    drop(third);
    eventually("there is a place", async || ask(&app.browser(Who::TEACHER), None).await.status() == 200)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_shown_to_be_alive_and_outlives_the_limits_of_other_answers() {
    let app = App::start_changed(NOWHERE, |config| {
        config.own.event_streams.alive_s = 1;
        (config.http.answer_ms, config.http.request_ms) = (300, 500);
    })
    .await;
    let (mut listener, _) = Listener::start(&app.browser(Who::PUPIL)).await;
    while listener.alive < 3 {
        let _ = tokio::time::timeout(Duration::from_millis(100), listener.next()).await;
    }
    send(&app).await;
    listener.until_unread(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_news_come_a_second_later() {
    let app = App::start().await;
    let (reach_as, proxies) = redis_behind_proxies().await;
    let mut config = config(&app.database, &app.keys, NOWHERE, NOWHERE);
    config.redis.nodes = reach_as.values().cloned().collect();
    config.redis.reach_as = reach_as;
    let app = App { messaging: Running::start(config, system_clock()), ..app };
    let (mut listener, _) = Listener::start(&app.browser(Who::PUPIL)).await;
    proxies.iter().for_each(FaultProxy::break_connections);
    for count in 1..=3 {
        send(&app).await;
        let sent = SystemClock.now();
        listener.until_unread(count).await;
        assert!(since(sent) < Duration::from_secs(5), "{:?}", since(sent));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgresql_streams_stay_open_and_are_told_everything_afterwards() {
    let app = App::start().await;
    let own = app.database.config();
    let proxy = FaultProxy::in_front_of(&format!("{}:{}", own.host, own.port)).await;
    let mut config = app.config.clone();
    config.postgres.port = proxy.address().port();
    let cut_off = Running::<Messaging>::start(config, system_clock());
    let pupil = at(&cut_off, &app, Who::PUPIL);
    let (mut listener, _) = Listener::start(&pupil).await;
    proxy.break_connections();
    let sent = send(&app).await;
    refusal(&pupil).await.expect_problem(503, "database_unavailable");
    proxy.restore();
    assert_eq!(listener.next_named("new_message").await["id"], sent["id"]);
    listener.until_unread(1).await;
}

/// A thousand pupils more.
const PUPILS: &str = "insert into directory.membership
    select '00000000-0000-0000-0000-0000000000a1', ('00000000-0000-0000-0001-' || lpad(to_hex(n), 12, '0'))::uuid, 'Student'
    from generate_series(1, 1000) n";

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_streams_of_one_instance_all_hear_a_message_to_the_whole_school() {
    let app = App::start().await;
    app.database.connect().await.batch_execute(PUPILS).await.unwrap();
    let pupil = |number: u128| Who((1 << 48) + number, SCHOOL, Role::Student);
    let mut listeners = vec![];
    for hundred in 0..10 {
        let browsers: Vec<_> = (1..=100).map(|number| app.browser(pupil(hundred * 100 + number))).collect();
        listeners.extend(join_all(browsers.iter().map(Listener::start)).await);
    }
    refusal(&app.browser(Who::PUPIL)).await.expect_problem(503, "streams_full");
    let audience = json!({ "kind": "role", "school_id": SCHOOL, "role": "Student" });
    let message = json!({ "subject": "S", "body": "B", "audience": audience });
    let began = SystemClock.now();
    app.proved(Who::PRINCIPAL).post("/messaging/v1/messages", &message).await.expect(201);
    let hearing = listeners.iter_mut().map(|(listener, _)| async move {
        assert_eq!(listener.next().await.name, "new_message");
        assert_eq!(listener.next().await.data["unread_count"], 1);
    });
    join_all(hearing).await;
    println!("1,000 streams heard of a message and counted within {:?}", since(began));
}
