//! Settles how security events are kept: through two bounded queues, in batches, so that no sign-in waits for the disk or fails with it.
//!
//! What cannot be kept is counted with its time and told to whoever reads the events. Refusals, of which anybody can make as
//! many as they like, have a queue of their own: a flood of them pushes out no sign-in (`docs/decisions/0053`).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::clock::SharedClock;
use shared::context::Context;
use shared::ids;
use shared::pg::{self, Database, Work};
use shared::resilience::backoff::Backoff;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::security_event::{Kind, SecurityEvent};
use crate::store;

/// Rows of one statement, of each queue.
const BATCH: usize = 500;
/// How long the first of a batch waits for others: 2,000 rows a second of each queue at most.
const GATHER: Duration = Duration::from_millis(250);
/// How often an instance that sees nothing says that it has nothing.
const HEARTBEAT: Duration = Duration::from_secs(5);
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// Pauses while the database is away.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));

/// What an instance saw and could not keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Between these moments.
    pub from: DateTime<Utc>,
    /// See `from`.
    pub until: DateTime<Utc>,
    /// How many events.
    pub count: i64,
}

/// One life of one instance.
#[derive(Debug, Clone)]
pub struct Writer {
    /// Born with it.
    pub id: Uuid,
    /// The instance.
    pub instance: Arc<str>,
    /// When it began.
    pub started_at: DateTime<Utc>,
}

/// The queues of an instance. Cloning shares them.
#[derive(Clone)]
pub struct SecurityEvents(Arc<Inner>);

struct Inner {
    database: Database,
    clock: SharedClock,
    writer: Writer,
    acts: Queue,
    refusals: Queue,
    losses: Mutex<Losses>,
}

struct Queue {
    length: usize,
    sender: mpsc::Sender<SecurityEvent>,
    receiver: tokio::sync::Mutex<mpsc::Receiver<SecurityEvent>>,
}

#[derive(Default)]
struct Losses {
    /// Not written yet.
    open: Option<Loss>,
    /// Since the start.
    total: i64,
}

impl Queue {
    fn new(length: usize) -> Self {
        let (sender, receiver) = mpsc::channel(length);
        Self { length, sender, receiver: tokio::sync::Mutex::new(receiver) }
    }

    fn waiting(&self) -> usize {
        self.length - self.sender.capacity()
    }
}

impl SecurityEvents {
    /// Two empty queues of `length` events each; one takes about 300 bytes.
    pub fn new(database: Database, clock: SharedClock, instance: Arc<str>, length: usize) -> Self {
        let writer = Writer { id: ids::new_id(&*clock), instance, started_at: clock.utc() };
        let (acts, refusals) = (Queue::new(length), Queue::new(length));
        Self(Arc::new(Inner { database, clock, writer, acts, refusals, losses: Mutex::default() }))
    }

    /// Has this written soon; waits for nothing.
    pub fn note(&self, event: SecurityEvent) {
        let queue = if event.kind.is_refusal() { &self.0.refusals } else { &self.0.acts };
        let at = event.at;
        if queue.sender.try_send(event).is_err() {
            let mut losses = self.losses();
            if losses.total % 1_000 == 0 {
                tracing::warn!("security events are lost: the database does not keep up");
            }
            losses.total += 1;
            losses.add(Loss { from: at, until: at, count: 1 });
        }
    }

    /// Something that happens now; [`SecurityEvents::note`] it.
    pub fn now(&self, kind: Kind, detail: Option<&'static str>) -> SecurityEvent {
        SecurityEvent::now(&*self.0.clock, kind, detail)
    }

    /// `{waiting, lost}` since the start, for `/statusz`.
    pub fn report(&self) -> Value {
        let waiting = self.0.acts.waiting() + self.0.refusals.waiting();
        json!({ "waiting": waiting, "lost": self.losses().total })
    }

    /// The worker that writes; one in each instance. What waits at the end is written before it ends.
    pub async fn write(self, stop: CancellationToken) {
        let mut pause = Duration::ZERO;
        let (mut batch, mut failures, mut written) = (Batch::default(), 0, None);
        while stop.run_until_cancelled(sleep(pause)).await.is_some() {
            self.fill(&mut batch).await;
            pause = GATHER;
            if batch.is_empty() && !self.is_due(written) {
                continue;
            }
            match self.write_batch(&batch, false).await {
                Ok(()) => {
                    (failures, written) = (0, Some(self.0.clock.now()));
                    if !batch.is_whole {
                        pause = Duration::ZERO;
                    }
                    batch = Batch::default();
                }
                Err(error) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!(%error, "security events wait for the database");
                    }
                    pause = BACKOFF.pause(failures);
                }
            }
        }
        self.write_the_rest(batch).await;
    }

    async fn write_the_rest(&self, mut batch: Batch) {
        loop {
            self.fill(&mut batch).await;
            let is_last = batch.is_whole;
            if let Err(error) = self.write_batch(&batch, is_last).await {
                // Without an end of this writer readers are told that events may be missing.
                tracing::warn!(%error, "the last security events were not written");
                return;
            }
            if is_last {
                return;
            }
            batch = Batch::default();
        }
    }

    fn is_due(&self, written: Option<Instant>) -> bool {
        let is_late = |written| self.0.clock.now().saturating_duration_since(written) >= HEARTBEAT;
        written.is_none_or(is_late) || self.losses().open.is_some()
    }

    /// Takes what waits, unless the batch still has to be written.
    async fn fill(&self, batch: &mut Batch) {
        if !batch.is_empty() {
            return;
        }
        let seen_until = self.0.clock.utc();
        let is_whole =
            batch.take(&mut *self.0.acts.receiver.lock().await, &mut *self.0.refusals.receiver.lock().await);
        (batch.is_whole, batch.seen_until) = (is_whole, is_whole.then_some(seen_until));
    }

    async fn write_batch(&self, batch: &Batch, is_end: bool) -> Result<(), pg::Error> {
        let loss = self.losses().open.take();
        let written = timeout(WRITE_LIMIT, self.write_in(batch, loss, is_end)).await;
        let written = written.unwrap_or(Err(pg::Error::Timeout));
        if let (Err(_), Some(loss)) = (&written, loss) {
            self.losses().add(loss);
        }
        written
    }

    async fn write_in(&self, batch: &Batch, loss: Option<Loss>, is_end: bool) -> Result<(), pg::Error> {
        let context = Context::background(self.0.clock.clone(), WRITE_LIMIT);
        let mut transaction = self.0.database.begin(&context, Work::Background).await?;
        store::security_event::insert(&mut transaction, &batch.events).await?;
        let (writer, now) = (&self.0.writer, self.0.clock.utc());
        if let Some(loss) = loss {
            let id = ids::new_id(&*self.0.clock);
            store::security_event::insert_loss(&mut transaction, id, &writer.instance, &loss).await?;
        }
        let ended_at = is_end.then_some(now);
        store::security_event::upsert_writer(&mut transaction, writer, batch.seen_until, ended_at).await?;
        transaction.commit().await
    }

    fn losses(&self) -> std::sync::MutexGuard<'_, Losses> {
        self.0.losses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Losses {
    fn add(&mut self, loss: Loss) {
        let open = self.open.get_or_insert(Loss { count: 0, ..loss });
        open.from = open.from.min(loss.from);
        open.until = open.until.max(loss.until);
        open.count += loss.count;
    }
}

/// What goes into one statement.
#[derive(Default)]
struct Batch {
    events: Vec<SecurityEvent>,
    /// Whether nothing waited any more when it was taken.
    is_whole: bool,
    /// Then: up to when everything has been taken.
    seen_until: Option<DateTime<Utc>>,
}

/// What makes refusals alike.
type Likeness = (Kind, Option<&'static str>, Option<Uuid>, Option<IpAddr>, Option<Uuid>);

impl Batch {
    fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Returns whether nothing is left.
    fn take(
        &mut self,
        acts: &mut mpsc::Receiver<SecurityEvent>,
        refusals: &mut mpsc::Receiver<SecurityEvent>,
    ) -> bool {
        while self.events.len() < BATCH {
            let Ok(act) = acts.try_recv() else { break };
            self.events.push(act);
        }
        let mut places = HashMap::<Likeness, usize>::new();
        let most_merged = refusals.len();
        for _ in 0..most_merged {
            if places.len() >= BATCH {
                break;
            }
            let Ok(refusal) = refusals.try_recv() else { break };
            self.merge(refusal, &mut places);
        }
        acts.is_empty() && refusals.is_empty()
    }

    fn merge(&mut self, event: SecurityEvent, places: &mut HashMap<Likeness, usize>) {
        let SecurityEvent { kind, detail, person_id, address, device_id, .. } = event;
        let place = *places.entry((kind, detail, person_id, address, device_id)).or_insert(self.events.len());
        match self.events.get_mut(place) {
            Some(alike) => {
                alike.count = alike.count.saturating_add(event.count);
                alike.last_at = alike.last_at.max(event.at);
            }
            None => self.events.push(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::testing::ManualClock;

    #[test]
    fn refusals_that_are_alike_are_one_row_and_acts_each_their_own() {
        let clock = ManualClock::default();
        let (acts, mut taken_acts) = mpsc::channel(10);
        let (refusals, mut taken_refusals) = mpsc::channel(2_000);
        for second in 0..1_500 {
            let reason = if second % 3 == 0 { "held_back" } else { "credentials_wrong" };
            let refused = SecurityEvent::now(&clock, Kind::SignInRefused, Some(reason));
            refusals.try_send(refused).unwrap();
            clock.advance(Duration::from_millis(1));
        }
        for _ in 0..2 {
            acts.try_send(SecurityEvent::now(&clock, Kind::SignedIn, Some("pwd"))).unwrap();
        }
        let mut batch = Batch::default();
        assert!(batch.take(&mut taken_acts, &mut taken_refusals));
        let counts: Vec<i32> = batch.events.iter().map(|event| event.count).collect();
        assert_eq!(counts, [1, 1, 500, 1_000]);
        let span = batch.events[2].last_at - batch.events[2].at;
        assert_eq!(span.num_milliseconds(), 1_497);
    }

    #[test]
    fn losses_add_up_to_one_span() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let mut losses = Losses::default();
        losses.add(Loss { from: at(5), until: at(6), count: 2 });
        losses.add(Loss { from: at(3), until: at(4), count: 1 });
        assert_eq!(losses.open, Some(Loss { from: at(3), until: at(6), count: 3 }));
    }
}
