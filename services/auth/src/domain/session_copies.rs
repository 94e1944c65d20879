//! Settles how sessions get their durable copy: through a bounded queue, in batches, so that no sign-in and no refresh waits for the disk.
//!
//! A copy that is not written costs its session its place in the list of devices and its help in an outage, until the next
//! refresh writes it again; so when the queue is full, the newest is left out and counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::SharedClock;
use shared::context::Context;
use shared::pg::{self, Database, Work};
use shared::resilience::backoff::Backoff;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::store;
use crate::store::session_copy::SessionCopy;

/// Copies that wait at most; one takes about 150 bytes. A surge of 2,000 refreshes a second fills it in ten seconds.
const QUEUE: usize = 20_000;
/// Copies in one statement at most.
const BATCH: usize = 1_000;
/// How long the first of a batch waits for others.
const GATHER: Duration = Duration::from_millis(50);
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// Pauses while the database is away.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
/// How often copies of sessions that are over are deleted, and how many at a time.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
const SWEEP_BATCH: i64 = 10_000;

/// The queue and its counters. Cloning shares them.
#[derive(Clone)]
pub struct SessionCopies {
    database: Database,
    clock: SharedClock,
    queue: mpsc::Sender<SessionCopy>,
    waiting: Arc<Mutex<mpsc::Receiver<SessionCopy>>>,
    lost: Arc<AtomicU64>,
}

impl SessionCopies {
    /// An empty queue.
    pub fn new(database: Database, clock: SharedClock) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        Self { database, clock, queue, waiting: Arc::new(Mutex::new(waiting)), lost: Arc::default() }
    }

    /// Has this written soon; waits for nothing.
    pub fn put(&self, copy: SessionCopy) {
        if self.queue.try_send(copy).is_err()
            && self.lost.fetch_add(1, Ordering::Relaxed).is_multiple_of(1_000)
        {
            tracing::warn!("copies of sessions are left out: the database does not keep up");
        }
    }

    /// `{waiting, lost}`, for `/statusz`.
    pub fn report(&self) -> Value {
        let waiting = QUEUE - self.queue.capacity();
        json!({ "waiting": waiting, "lost": self.lost.load(Ordering::Relaxed) })
    }

    /// The worker that writes; one in each instance. What waits at the end is written before it ends.
    pub async fn write(self, stop: CancellationToken) {
        let mut waiting = self.waiting.lock().await;
        let mut batch = BTreeMap::new();
        while let Some(first) = stop.run_until_cancelled(waiting.recv()).await.flatten() {
            add(&mut batch, first);
            stop.run_until_cancelled(sleep(GATHER)).await;
            drain(&mut batch, &mut waiting);
            self.write_until_written(&mut batch, &stop).await;
        }
        drain(&mut batch, &mut waiting);
        if let Err(error) = self.write_batch(&batch).await {
            tracing::warn!(%error, copies = batch.len(), "the last copies of sessions were not written");
        }
    }

    async fn write_until_written(
        &self,
        batch: &mut BTreeMap<(Uuid, Uuid), SessionCopy>,
        stop: &CancellationToken,
    ) {
        let mut failures = 0;
        while let Err(error) = self.write_batch(batch).await {
            failures += 1;
            if failures == 1 {
                tracing::warn!(%error, "copies of sessions wait for the database");
            }
            if stop.run_until_cancelled(sleep(BACKOFF.pause(failures))).await.is_none() {
                return;
            }
        }
        batch.clear();
    }

    async fn write_batch(&self, batch: &BTreeMap<(Uuid, Uuid), SessionCopy>) -> Result<(), pg::Error> {
        if batch.is_empty() {
            return Ok(());
        }
        let context = Context::background(self.clock.clone(), WRITE_LIMIT);
        // In the order of their keys, so that the batches of two instances never wait for each other in a circle.
        let copies: Vec<SessionCopy> = batch.values().cloned().collect();
        let writing = async {
            let mut transaction = self.database.begin(&context, Work::Background).await?;
            store::session_copy::upsert(&mut transaction, &copies).await?;
            store::session_copy::note_sign_ins(&mut transaction, &copies).await?;
            transaction.commit().await
        };
        timeout(WRITE_LIMIT, writing).await.map_err(|_| pg::Error::Timeout)?
    }

    /// The worker that deletes copies of sessions that are over.
    pub async fn sweep(self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.sweep_once().await {
                tracing::warn!(%error, "copies of sessions that are over could not be deleted");
            }
            if stop.run_until_cancelled(sleep(SWEEP_EVERY)).await.is_none() {
                return;
            }
        }
    }

    async fn sweep_once(&self) -> Result<(), pg::Error> {
        let context = Context::background(self.clock.clone(), WRITE_LIMIT);
        let mut transaction = self.database.begin(&context, Work::Background).await?;
        store::session_copy::delete_before(&mut transaction, self.clock.utc(), SWEEP_BATCH).await?;
        transaction.commit().await
    }
}

fn add(batch: &mut BTreeMap<(Uuid, Uuid), SessionCopy>, copy: SessionCopy) {
    let key = (copy.person_id, copy.sid);
    let merged = match batch.remove(&key) {
        Some(earlier) => earlier.merged(&copy),
        None => copy,
    };
    batch.insert(key, merged);
}

fn drain(batch: &mut BTreeMap<(Uuid, Uuid), SessionCopy>, waiting: &mut mpsc::Receiver<SessionCopy>) {
    while batch.len() < BATCH {
        let Ok(copy) = waiting.try_recv() else { return };
        add(batch, copy);
    }
}
