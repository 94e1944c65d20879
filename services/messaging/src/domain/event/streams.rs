//! Settles which streams an instance has open, and that none of them holds more than its share: bounded in number, per person, and
//! in what waits to be taken.
//!
//! Why: a stream costs memory for as long as its client likes. What trips: more streams than the instance may have are refused; of
//! one person the oldest ends; whoever lets more than [`WAITING`] notices wait is cut off. How it recovers: the client comes back
//! with the last id that it saw, and is told what it missed.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::Stream;
use serde_json::{Map, Value, json};
use shared::session::Claims;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::notice::{End, Ending, Notice, Told};
use crate::error::MailboxError;

/// Notices that may wait for one client, beside what its connection holds: about 32 KiB.
const WAITING: usize = 64;

/// Bounds of one instance.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Streams.
    pub streams: usize,
    /// Streams of one person.
    pub per_person: usize,
}

/// The open streams of an instance. Cloning shares them.
#[derive(Clone)]
pub struct Streams(Arc<Shared>);

struct Shared {
    bounds: Bounds,
    open: Mutex<Open>,
    ended: [AtomicU64; Ending::ALL.len()],
}

#[derive(Default)]
struct Open {
    streams: BTreeMap<u64, OpenStream>,
    of_person: HashMap<Uuid, Vec<u64>>,
    next: u64,
    /// Up to where everything was read for the streams that were open then; none before the first reading or stream.
    position: Option<i64>,
}

struct OpenStream {
    claims: Arc<Claims>,
    schools: Vec<Uuid>,
    /// What came up to here was told before the stream was opened, or is told by whoever opens it.
    since: i64,
    sender: mpsc::Sender<Told>,
}

/// A stream that has been opened.
pub struct Opened {
    /// Up to here, what the client missed is to be read for it; what comes later, it is told.
    pub position: i64,
    /// What it is told.
    pub listening: Listening,
}

impl Streams {
    /// None yet.
    pub fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Shared { bounds, open: Mutex::default(), ended: Default::default() }))
    }

    /// Up to where everything was read; nothing was yet where there is none.
    pub fn position(&self) -> Option<i64> {
        self.lock().position
    }

    /// The same, which is `newest` where nothing was read yet.
    pub fn begin(&self, newest: i64) -> i64 {
        *self.lock().position.get_or_insert(newest)
    }

    /// One more, for a client that has seen what was told up to `last`, maybe by an instance that is ahead of this one; `newest` as
    /// in [`Self::begin`].
    pub fn open(&self, claims: Arc<Claims>, last: Option<i64>, newest: i64) -> Result<Opened, MailboxError> {
        let mut open = self.lock();
        let position = *open.position.get_or_insert(newest);
        let since = last.map_or(position, |last| last.max(position));
        let of_person = open.of_person.get(&claims.sub).map(Vec::as_slice).unwrap_or_default();
        if let Some(&oldest) = of_person.first().filter(|_| of_person.len() >= self.0.bounds.per_person) {
            self.end(&mut open, oldest, Ending::Replaced);
        }
        if open.streams.len() >= self.0.bounds.streams {
            return Err(MailboxError::StreamsFull);
        }
        let (sender, receiver) = mpsc::channel(WAITING);
        let number = open.next;
        open.next += 1;
        open.of_person.entry(claims.sub).or_default().push(number);
        open.streams.insert(number, OpenStream { schools: claims.schools(), claims, since, sender });
        Ok(Opened { position, listening: Listening { receiver, number, streams: self.clone() } })
    }

    /// Everybody who listens, once with each of their schools. Streams that are opened from now on begin after `upto`.
    pub fn watch(&self, upto: i64) -> Vec<(Uuid, Uuid)> {
        let mut open = self.lock();
        open.position = Some(upto);
        let pairs = |stream: &OpenStream| {
            let person = stream.claims.sub;
            stream.schools.iter().map(move |school| (*school, person)).collect::<Vec<_>>()
        };
        let mut watched: Vec<_> = open.streams.values().flat_map(pairs).collect();
        watched.sort_unstable();
        watched.dedup();
        watched
    }

    /// Tells all streams of a person what happened at a position, unless they began after it.
    pub fn tell(&self, person: Uuid, position: i64, notice: &Notice) {
        self.tell_each(person, position, |_| Some(notice.clone()));
    }

    /// The same with how much is unread in the schools of each stream's token. Nothing where that is not known of one of them.
    pub fn tell_unread(&self, person: Uuid, position: i64, count: impl Fn(Uuid) -> Option<i64>) {
        self.tell_each(person, position, |schools| {
            let unread_count = schools.iter().map(|school| count(*school)).sum::<Option<i64>>()?;
            Some(Notice::Unread(super::notice::UnreadCount { unread_count }))
        });
    }

    fn tell_each(&self, person: Uuid, position: i64, notice: impl Fn(&[Uuid]) -> Option<Notice>) {
        let mut open = self.lock();
        for number in open.of_person.get(&person).cloned().unwrap_or_default() {
            let Some(stream) = open.streams.get(&number).filter(|stream| stream.since < position) else {
                continue;
            };
            let Some(notice) = notice(&stream.schools) else { continue };
            self.send(&mut open, number, Told { position: Some(position), notice });
        }
    }

    /// Tells every stream.
    pub fn tell_all(&self, position: i64, notice: &Notice) {
        let mut open = self.lock();
        for number in open.numbers() {
            self.send(&mut open, number, Told { position: Some(position), notice: notice.clone() });
        }
    }

    /// Shows the clients of one stream in `of` that it is still there: each time of others.
    pub fn show_alive(&self, turn: u64, of: u64) {
        let mut open = self.lock();
        for number in open.numbers().into_iter().filter(|number| number % of == turn % of) {
            self.send(&mut open, number, Told { position: None, notice: Notice::Alive });
        }
    }

    /// Ends the streams for which there is a reason.
    pub fn end_where(&self, reason: impl Fn(&Claims) -> Option<Ending>) {
        let mut open = self.lock();
        for number in open.numbers() {
            if let Some(ending) = open.streams.get(&number).and_then(|stream| reason(&stream.claims)) {
                self.end(&mut open, number, ending);
            }
        }
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.lock().streams.len()
    }

    /// How many have ended, by reason.
    pub fn ended(&self) -> impl Iterator<Item = (Ending, u64)> {
        Ending::ALL
            .into_iter()
            .zip(&self.0.ended)
            .map(|(ending, count)| (ending, count.load(Ordering::Relaxed)))
    }

    /// `{open, position, ended}`, for `/statusz`.
    pub fn report(&self) -> Value {
        let ended: Map<_, _> =
            self.ended().map(|(ending, count)| (ending.name().to_owned(), json!(count))).collect();
        let open = self.lock();
        json!({ "open": open.streams.len(), "position": open.position, "ended": ended })
    }

    fn send(&self, open: &mut Open, number: u64, told: Told) {
        let Some(stream) = open.streams.get(&number) else { return };
        // Where the connection is gone instead, its end of the stream says so itself.
        if let Err(mpsc::error::TrySendError::Full(_)) = stream.sender.try_send(told) {
            self.end(open, number, Ending::TooSlow);
        }
    }

    /// What waits is still taken, then the stream is over.
    fn end(&self, open: &mut Open, number: u64, ending: Ending) {
        let Some(stream) = open.remove(number) else { return };
        let told = Told { position: None, notice: Notice::End(End { reason: ending }) };
        // Where there is no place for it, the client is too slow to be told anything.
        let _ = stream.sender.try_send(told);
        if let Some((_, count)) = Ending::ALL.iter().zip(&self.0.ended).find(|(one, _)| **one == ending) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn numbers(&self) -> Vec<u64> {
        self.streams.keys().copied().collect()
    }

    fn remove(&mut self, number: u64) -> Option<OpenStream> {
        let stream = self.streams.remove(&number)?;
        if let Some(of_person) = self.of_person.get_mut(&stream.claims.sub) {
            of_person.retain(|one| *one != number);
            if of_person.is_empty() {
                self.of_person.remove(&stream.claims.sub);
            }
        }
        Some(stream)
    }
}

/// What one client is told. Dropped with its connection, it gives its place back.
pub struct Listening {
    receiver: mpsc::Receiver<Told>,
    number: u64,
    streams: Streams,
}

impl Listening {
    /// What the client says that it has seen was never told: it is told what comes after this.
    pub fn begin_after(&self, position: i64) {
        if let Some(stream) = self.streams.lock().streams.get_mut(&self.number) {
            stream.since = position;
        }
    }
}

impl Stream for Listening {
    type Item = Told;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Told>> {
        self.get_mut().receiver.poll_recv(cx)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.streams.lock().remove(self.number);
    }
}

#[cfg(test)]
mod tests;
