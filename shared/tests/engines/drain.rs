//! Settles that stopping a service loses nothing that it has accepted.

use std::time::Duration;

use serde_json::{Value, json};
use shared::ablation::{Ablation, Part};
use shared::clock::system_clock;
use shared::service::Service;
use shared::testing::{Client, Running, TestDatabase, TestKeys, eventually};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::service::Smallest;

/// How many requests of the test are at work in its database.
const NAPPING: &str = "select count(*) from pg_stat_activity where query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid() and datname = current_database()";

#[tokio::test(flavor = "multi_thread")]
async fn requests_under_way_finish_new_ones_are_served_while_lingering_then_the_door_closes() {
    let database = TestDatabase::create("shared", Smallest::migrations).await;
    let keys = TestKeys::generate();
    let mut config = Running::<Smallest>::config(&database, &keys, &json!({}));
    config.http.linger_ms = 500;
    let service = Running::<Smallest>::start(config, system_clock());
    let address = service.public_address();
    let slow = tokio::task::spawn(async move { Client::new(address).get("/auth/v1/nap/1500").await });
    let observer = database.connect().await;
    eventually("the slow request is under way", async || {
        observer.query_one(NAPPING, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
    let stopping = tokio::task::spawn_blocking(move || drop(service));
    eventually("it says that it is not ready", async || {
        Client::new(address).get("/readyz").await.status == 503
    })
    .await;
    let late = Client::new(address).get("/auth/v1/nap/1").await.expect(204);
    assert_eq!(
        late.headers.get("connection").unwrap(),
        "close",
        "the front door should open no new requests here"
    );
    slow.await.unwrap().expect(204);
    tokio::time::timeout(Duration::from_secs(10), stopping).await.expect("it ends").unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_draining_what_was_accepted_is_broken_off() {
    let (database, keys) = (TestDatabase::create("shared", Smallest::migrations).await, TestKeys::generate());
    let mut config = Running::<Smallest>::config(&database, &keys, &json!({}));
    config.ablate = Ablation::default().without(Part::Draining);
    let service = Running::<Smallest>::start(config, system_clock());
    let mut stream = tokio::net::TcpStream::connect(service.public_address()).await.unwrap();
    stream.write_all(b"GET /auth/v1/nap/1500 HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let observer = database.connect().await;
    eventually("the slow request is under way", async || {
        observer.query_one(NAPPING, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
    tokio::task::spawn_blocking(move || drop(service)).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_lives_of_an_instance_are_told_apart() {
    let (database, keys) = (TestDatabase::create("shared", Smallest::migrations).await, TestKeys::generate());
    let live = async || {
        let config = Running::<Smallest>::config(&database, &keys, &json!({}));
        let service = Running::<Smallest>::start(config, system_clock());
        let said = service.internal_client().get("/statusz").await.expect(200).body;
        tokio::task::spawn_blocking(move || drop(service)).await.unwrap();
        said
    };
    let (first, second): (Value, Value) = (live().await, live().await);
    assert_eq!(first["instance"], second["instance"]);
    assert!(first["started_at"].is_string() && first["started_at"] != second["started_at"], "{first}");
}
