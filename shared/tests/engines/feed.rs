//! Settles that a feed loses nothing: a change whose transaction commits late still reaches every reader, exactly once, in order.

use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::system_clock;
use shared::config::Profile;
use shared::context::Context;
use shared::feed::{Consumer, Projection, ProjectionStatus};
use shared::pg::Database;
use shared::redis::Cluster;
use shared::service::Service;
use shared::service_token::{Config as IdentityConfig, Identity};
use shared::siblings::Sibling;
use shared::testing::{Running, TestDatabase, TestKeys, breakers, eventually};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::service::Smallest;

const THINGS: &[Projection] = &[Projection {
    kind: "thing",
    upsert: "insert into thing select key, value from jsonb_to_recordset($1) as c(key text, value integer)
             on conflict (key) do update set value = excluded.value",
    delete: "delete from thing using jsonb_to_recordset($1) as c(key text) where thing.key = c.key",
}];

/// An owner of a feed, and a reader with a database of its own.
struct Feed {
    owner: TestDatabase,
    reader: TestDatabase,
    status: ProjectionStatus,
    stop: CancellationToken,
    _service: Running<Smallest>,
    _keys: TestKeys,
}

impl Feed {
    async fn start() -> Self {
        let (owner, reader) = tokio::join!(
            TestDatabase::create("shared", Smallest::migrations),
            TestDatabase::create("shared", Smallest::migrations)
        );
        let keys = TestKeys::generate();
        let config = Running::<Smallest>::config(&owner, &keys, &json!({}));
        let redis = config.redis.clone();
        let service = Running::start(config, system_clock());
        let engine = Handle::current();
        let identity: IdentityConfig = serde_json::from_value(keys.identity("messaging")).unwrap();
        let identity = Identity::open(&identity, "messaging", Profile::Test, system_clock()).unwrap();
        let address = format!("http://{}", service.internal_address()).parse().unwrap();
        let source = Sibling::new("auth", &[address], identity, engine.clone(), &breakers()).unwrap();
        let (status, stop) = (ProjectionStatus::default(), CancellationToken::new());
        // Two instances follow the same feed into the same tables, as they do in service.
        for _ in 0..2 {
            let database = Database::open(&reader.config(), &breakers(), &engine).unwrap();
            let cluster = Cluster::connect(&redis, &breakers(), &engine).await.unwrap();
            let (source, status) = (source.clone(), status.clone());
            let consumer = Consumer::new(source, database, cluster, system_clock(), THINGS, status);
            tokio::task::spawn(consumer.run(stop.clone()));
        }
        Self { owner, reader, status, stop, _service: service, _keys: keys }
    }

    async fn things(&self) -> Vec<(String, i32)> {
        let rows = self
            .reader
            .connect()
            .await
            .query("select key, value from thing order by key", &[])
            .await
            .unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

const APPEND: &str = "insert into change_feed (kind, key, body)
    values ('thing', $1::text, jsonb_build_object('key', $1::text, 'value', $2::int4))";

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_commits_after_later_ones_were_read_is_not_lost() {
    let feed = Feed::start().await;
    let (mut slow, quick) = (feed.owner.connect().await, feed.owner.connect().await);
    let late = slow.transaction().await.unwrap();
    late.execute(APPEND, &[&"late", &1_i32]).await.unwrap();
    quick.execute(APPEND, &[&"early", &2_i32]).await.unwrap();
    eventually("the later change is read", async || feed.things().await == [("early".to_owned(), 2)]).await;
    late.commit().await.unwrap();
    let both = [("early".to_owned(), 2), ("late".to_owned(), 1)];
    eventually("the late change is read", async || feed.things().await == both).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_pages_from_many_writers_arrive_whole_with_the_last_value_of_each_key() {
    let feed = Feed::start().await;
    let fill = "insert into change_feed (kind, key, body)
        select 'thing', n % 3000, jsonb_build_object('key', (n % 3000)::text, 'value', n) from generate_series(1, 12000) n";
    feed.owner.connect().await.batch_execute(fill).await.unwrap();
    eventually("everything is applied", async || feed.status.report()["applied"] == 12_000).await;
    let things = feed.things().await;
    assert_eq!(things.len(), 3_000);
    for (key, value) in things {
        let key: i32 = key.parse().unwrap();
        assert_eq!(value, if key == 0 { 12_000 } else { 9_000 + key }, "{key}");
    }
    let remove = "insert into change_feed (kind, key, deleted, body)
        select 'thing', key, true, jsonb_build_object('key', key) from (select distinct key from change_feed) k";
    feed.owner.connect().await.batch_execute(remove).await.unwrap();
    eventually("everything is gone", async || feed.things().await.is_empty()).await;
    eventually("nothing is behind", async || feed.status.report()["lag"] == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_bounds_a_call_to_a_sibling_that_does_not_answer() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let keys = TestKeys::generate();
    let identity: IdentityConfig = serde_json::from_value(keys.identity("messaging")).unwrap();
    let identity = Identity::open(&identity, "messaging", Profile::Test, system_clock()).unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap()).parse().unwrap();
    let sibling = Sibling::new("auth", &[address], identity, Handle::current(), &breakers()).unwrap();
    let start = std::time::Instant::now();
    let context = Context::background(system_clock(), Duration::from_millis(300));
    let error = sibling.get::<Value>(&context, "/anything").await.unwrap_err();
    assert!(error.retryable(), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}
