//! Settles what people see of messaging while a dependency is away, that nothing acknowledged is lost, and that it recovers by itself.

use futures_util::future::join_all;
use messaging::Messaging;
use shared::clock::system_clock;
use shared::fault::DiskDelays;
use shared::service::Service;
use shared::session::Role;
use shared::testing::{FaultProxy, PrivatePostgres, Running, eventually, redis_behind_proxies};

use crate::app::{App, CLASS, NOWHERE, SCHOOL, Who, config, to_class};

#[tokio::test(flavor = "multi_thread")]
async fn without_postgresql_it_says_so_keeps_what_it_acknowledged_and_recovers() {
    let app = App::start().await;
    let own = app.database.config();
    let proxy = FaultProxy::in_front_of(&format!("{}:{}", own.host, own.port)).await;
    let mut config = config(&app.database, &app.keys, NOWHERE, NOWHERE);
    config.postgres.port = proxy.address().port();
    let app = App { messaging: Running::start(config, system_clock()), ..app };
    app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect(201);
    proxy.break_connections();
    app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect_problem(503, "database_unavailable");
    for path in ["/messaging/v1/home", "/messaging/v1/inbox"] {
        app.browser(Who::PUPIL).get(path).await.expect_problem(503, "database_unavailable");
    }
    app.messaging.client().get("/readyz").await.expect(200);
    proxy.restore();
    let pupil = app.browser(Who::PUPIL);
    eventually("the inbox is back", async || pupil.get("/messaging/v1/inbox").await.status == 200).await;
    assert_eq!(app.unread(Who::PUPIL).await, 1, "the acknowledged message, and not the refused one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_hangs_is_given_up_within_the_deadline_and_recovers() {
    let app = App::start().await;
    let own = app.database.config();
    let proxy = FaultProxy::in_front_of(&format!("{}:{}", own.host, own.port)).await;
    let mut config = config(&app.database, &app.keys, NOWHERE, NOWHERE);
    config.postgres.port = proxy.address().port();
    let app = App { messaging: Running::start(config, system_clock()), ..app };
    let pupil = app.browser(Who::PUPIL);
    pupil.get("/messaging/v1/home").await.expect(200);
    proxy.stall();
    pupil.get("/messaging/v1/home").await.expect_problem(503, "database_unavailable");
    app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect_problem(503, "database_unavailable");
    proxy.restore();
    eventually("home is there", async || pupil.get("/messaging/v1/home").await.status == 200).await;
    assert_eq!(app.unread(Who::PUPIL).await, 0, "what was refused is not there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_pauses_sending_and_leaves_reading_alone() {
    let server = PrivatePostgres::start().await;
    let app = App::start_on(server.database("messaging", Messaging::migrations).await).await;
    // Four, as one account sends one message after the other.
    let senders = [Who::TEACHER, Who::PRINCIPAL, Who::ADMIN, Who(20, SCHOOL, Role::Staff)];
    let send = async |who| app.send(who, to_class(CLASS, &["student"])).await;
    send(Who::TEACHER).await.expect(201);
    server.disk().set(DiskDelays { sync_ms: 300, read_ms: 0 }).unwrap();
    eventually("sending is paused", async || {
        join_all(senders.map(send)).await;
        let breakers = app.messaging.internal_client().get("/statusz").await.body["breakers"].clone();
        let mut breakers = breakers.as_object().unwrap().iter();
        breakers.any(|(name, breaker)| name.ends_with(":write") && breaker["state"] == "open")
    })
    .await;
    send(Who::TEACHER).await.expect_problem(503, "database_unavailable");
    assert!(app.unread(Who::PUPIL).await > 0);
    server.disk().set(DiskDelays::default()).unwrap();
    eventually("sending goes on", async || send(Who::TEACHER).await.status == 201).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_and_without_siblings_people_notice_nothing() {
    let app = App::start().await;
    let (reach_as, proxies) = redis_behind_proxies().await;
    let mut config = config(&app.database, &app.keys, NOWHERE, NOWHERE);
    config.redis.nodes = reach_as.values().cloned().collect();
    config.redis.reach_as = reach_as;
    let app = App { messaging: Running::start(config, system_clock()), ..app };
    proxies.iter().for_each(FaultProxy::break_connections);
    app.send(Who::TEACHER, to_class(CLASS, &["student"])).await.expect(201);
    assert_eq!(app.unread(Who::PUPIL).await, 1);
}
