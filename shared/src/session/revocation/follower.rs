//! Settles how an instance keeps up with revocations: it hears every stream on a connection of its own, and asks auth for what they do not say.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use redis::streams::StreamRangeReply;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::place::Place;
use super::stream::news_in;
use super::{News, RevocationView, Streams};
use crate::clock::SharedClock;
use crate::context::Context;
use crate::redis::{Cluster, Error, Key, StreamReader};
use crate::runtime::Workers;
use crate::{pg, siblings};

/// Time for one reading or one question.
const LIMIT: Duration = Duration::from_secs(2);
/// Pause after a stream could not be read.
const PAUSE: Duration = Duration::from_millis(500);
/// After this much silence of all streams auth is asked: two heartbeats and a half.
const SILENCE: Duration = Duration::from_millis(2_500);
/// And then again and again.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// How often a copy is written at most.
const KEEP_EVERY: Duration = Duration::from_secs(5);

/// Why auth's answer did not come.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The way to auth, or auth itself.
    #[error("{0}")]
    Auth(#[from] siblings::Error),
    /// Auth's database, where the instance is one of auth's own.
    #[error("{0}")]
    Database(#[from] pg::Error),
}

impl Unanswered {
    /// Whether auth is there, though it cannot say.
    fn is_from_auth(&self) -> bool {
        match self {
            Self::Auth(siblings::Error::Refused(..) | siblings::Error::Malformed(..)) => true,
            Self::Auth(_) | Self::Database(_) => false,
        }
    }
}

/// Keeps one view current. Cloning shares it.
#[derive(Clone)]
pub struct Follower {
    view: RevocationView,
    cluster: Cluster,
    clock: SharedClock,
    heard: Arc<Notify>,
}

impl Follower {
    /// For `view`.
    pub fn new(view: RevocationView, cluster: Cluster, clock: SharedClock) -> Self {
        Self { view, cluster, clock, heard: Arc::new(Notify::new()) }
    }

    /// Starts to listen, and to ask where nothing is heard. `ask` answers what was revoked after an epoch.
    pub fn start<F>(&self, workers: &Workers, ask: impl Fn(Context, i64) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<News, Unanswered>> + Send + 'static,
    {
        for stream in Streams::new(self.cluster.clone()).keys() {
            let (this, stream) = (self.clone(), stream.clone());
            workers.spawn(|stop| until(stop, this.hear(stream)));
        }
        let this = self.clone();
        workers.spawn(|stop| until(stop, this.ask_in_silence(ask)));
    }

    /// Writes a copy whenever something was learned, for a start while auth is away.
    pub fn keep(&self, workers: &Workers, file: PathBuf) {
        let view = self.view.clone();
        workers.spawn(|stop| keep_copies(view, file, stop));
    }

    /// Asks until nothing is missing.
    pub async fn catch_up<F>(&self, ask: &impl Fn(Context, i64) -> F) -> Result<(), Unanswered>
    where
        F: Future<Output = Result<News, Unanswered>> + Send,
    {
        loop {
            let (context, as_of_ms) = (Context::background(self.clock.clone(), LIMIT), self.view.now_ms());
            let news = ask(context, self.view.applied()).await;
            let news = news.inspect_err(|error| {
                if error.is_from_auth() {
                    self.view.heard_of_auth(as_of_ms);
                }
            })?;
            if news.published < self.view.applied() {
                let (published, applied) = (news.published, self.view.applied());
                tracing::error!(
                    published,
                    applied,
                    "auth has lost revocations that were told: was its database restored from a backup?"
                );
            }
            self.view.learn(&news, as_of_ms);
            if !news.has_more() {
                return Ok(());
            }
        }
    }

    async fn hear(self, stream: Key) {
        let mut ear = Ear { reader: self.cluster.stream_reader(), stream, place: None };
        let mut is_deaf = false;
        loop {
            let context = Context::background(self.clock.clone(), LIMIT);
            match ear.next(&self, &context).await {
                Ok(()) => is_deaf = false,
                Err(error) => {
                    if !std::mem::replace(&mut is_deaf, true) {
                        tracing::warn!(%error, stream = %ear.stream.name(), "revocations cannot be heard on this stream");
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn ask_in_silence<F>(self, ask: impl Fn(Context, i64) -> F)
    where
        F: Future<Output = Result<News, Unanswered>> + Send,
    {
        let (mut patience, mut is_away) = (SILENCE, false);
        loop {
            let is_silent = timeout(patience, self.heard.notified()).await.is_err();
            patience = if is_silent { ASK_EVERY } else { SILENCE };
            if !is_silent && !self.view.is_missing_any() {
                continue;
            }
            let outcome = self.catch_up(&ask).await;
            if let Err(error) = &outcome {
                if !is_away {
                    tracing::warn!(%error, "auth does not say what was revoked; what is known grows old");
                }
                sleep(PAUSE).await;
            }
            is_away = outcome.is_err();
        }
    }
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    stop.run_until_cancelled(work).await;
}

struct Ear {
    reader: StreamReader,
    stream: Key,
    place: Option<Place>,
}

impl Ear {
    /// Learns what was appended since the last time.
    async fn next(&mut self, follower: &Follower, context: &Context) -> Result<(), Error> {
        let asked_ms = follower.view.now_ms();
        let Some(place) = &mut self.place else {
            let last_id = newest_id(&follower.cluster, context, &self.stream).await?;
            self.place = Some(Place { last_id, asked_ms });
            return Ok(());
        };
        let entries = self.reader.read_after(context, &self.stream, &place.last_id).await?;
        let entries = entries.into_iter().map(|(id, fields)| (id, news_in(&fields))).collect();
        if place.take(&follower.view, entries, asked_ms) {
            follower.heard.notify_one();
        }
        Ok(())
    }
}

async fn newest_id(cluster: &Cluster, context: &Context, stream: &Key) -> Result<String, Error> {
    let mut command = redis::cmd("XREVRANGE");
    command.arg(stream).arg("+").arg("-").arg("COUNT").arg(1);
    let newest: StreamRangeReply = cluster.run(context, stream, &command).await?;
    Ok(newest.ids.into_iter().next().map_or_else(|| "0-0".to_owned(), |entry| entry.id))
}

/// The copy in `file`, if there is one that can be read.
pub async fn copy_of(file: &Path) -> Option<News> {
    let text = tokio::fs::read_to_string(file).await.ok()?;
    let parsed = serde_json::from_str(&text);
    parsed
        .inspect_err(|_| tracing::warn!(file = %file.display(), "the copy of revocations is unreadable"))
        .ok()
}

async fn keep_copies(view: RevocationView, file: PathBuf, stop: CancellationToken) {
    let mut kept = None;
    while !stop.is_cancelled() {
        tokio::select! {
            () = sleep(KEEP_EVERY) => {}
            () = stop.cancelled() => {}
        }
        let state = (view.version(), view.is_known());
        if kept != Some(state) && view.is_known() {
            kept = Some(state);
            let text = serde_json::to_string(&view.copy()).unwrap_or_default();
            crate::session::write_whole(&file, &text).await;
        }
    }
}
