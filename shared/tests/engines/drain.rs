//! Settles that stopping a service loses nothing that it has accepted.

use std::time::Duration;

use serde_json::json;
use shared::clock::system_clock;
use shared::service::Service;
use shared::testing::{Client, Running, TestDatabase, TestKeys, eventually};

use crate::service::Smallest;

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
    let napping = "select count(*) from pg_stat_activity where query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()";
    eventually("the slow request is under way", async || {
        observer.query_one(napping, &[]).await.unwrap().get::<_, i64>(0) == 1
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
