//! Settles how an instance knows that something has changed: the highest version heard of each tag, told by whoever changed it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use redis::streams::StreamRangeReply;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::context::Context;
use crate::redis::{Cluster, Error, Key, StreamReader};

/// Tags remembered; one that is forgotten is heard of again with the next change, and entries age out meanwhile.
const REMEMBERED_TAGS: u64 = 200_000;
/// Entries of the stream kept for readers that were away for a moment.
const STREAM_LENGTH: u32 = 10_000;
/// Time for one telling or one reading.
const LIMIT: Duration = Duration::from_secs(3);
/// Pause after a failed reading.
const PAUSE: Duration = Duration::from_secs(1);

/// Highest known version per tag. Cloning shares it.
#[derive(Clone)]
pub(super) struct Versions {
    known: Cache<String, i64>,
    news: Arc<AtomicU64>,
}

impl Versions {
    pub(super) fn new() -> Self {
        Self { known: Cache::new(REMEMBERED_TAGS), news: Arc::default() }
    }

    /// 0 when nothing was heard of the tag.
    pub(super) fn known(&self, tag: &str) -> i64 {
        self.known.get(tag).unwrap_or(0)
    }

    /// How often a version has been raised. While it stays the same, what [`Versions::known`] said stays true or is forgotten.
    pub(super) fn news(&self) -> u64 {
        self.news.load(Ordering::Acquire)
    }

    /// Remembers a version; an older one changes nothing.
    pub(super) fn learn(&self, tag: &str, version: i64) {
        let mut is_news = false;
        self.known.entry(tag.to_owned()).and_upsert_with(|known| {
            let known = known.map(|known| *known.value());
            is_news = version > known.unwrap_or(0);
            known.map_or(version, |known| known.max(version))
        });
        if is_news {
            // After the version itself: whoever reads the old number may have missed it, whoever reads the new one has not.
            self.news.fetch_add(1, Ordering::Release);
        }
    }
}

/// Tells every instance.
pub(super) async fn tell(
    cluster: &Cluster,
    stream: &Key,
    context: &Context,
    tag: &str,
    version: i64,
) -> Result<(), Error> {
    let mut command = redis::cmd("XADD");
    command
        .arg(stream)
        .arg("MAXLEN")
        .arg("~")
        .arg(STREAM_LENGTH)
        .arg("*")
        .arg("tag")
        .arg(tag)
        .arg("version")
        .arg(version);
    cluster.run(context, stream, &command).await
}

/// Hears what other instances tell, until `stop`. Before it listens, and after a time of deafness (Redis away, entries
/// trimmed), nothing is known for sure, so `forget` is called once it hears.
pub(super) async fn hear(
    versions: Versions,
    cluster: Cluster,
    stream: Key,
    clock: SharedClock,
    forget: impl Fn(),
    stop: CancellationToken,
) {
    let mut ear = Ear { reader: cluster.stream_reader(), cluster, stream, last_id: None };
    let mut is_deaf = true;
    loop {
        let context = Context::background(clock.clone(), LIMIT);
        let news = tokio::select! {
            news = ear.next(&context) => news,
            () = stop.cancelled() => return,
        };
        match news {
            Ok(told) => {
                if std::mem::take(&mut is_deaf) {
                    forget();
                }
                for (tag, version) in told {
                    versions.learn(&tag, version);
                }
            }
            Err(error) => {
                if !is_deaf {
                    tracing::warn!(%error, "invalidations cannot be heard; cached entries age by themselves");
                }
                is_deaf = true;
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
    }
}

/// A place in the stream.
struct Ear {
    cluster: Cluster,
    reader: StreamReader,
    stream: Key,
    last_id: Option<String>,
}

impl Ear {
    /// What was told since the last time, or (first of all) nothing but the place from which on nothing is missed.
    async fn next(&mut self, context: &Context) -> Result<Vec<(String, i64)>, Error> {
        let Some(last_id) = self.last_id.as_deref() else {
            self.last_id = Some(self.newest_id(context).await?);
            return Ok(Vec::new());
        };
        let entries = self.reader.read_after(context, &self.stream, last_id).await?;
        self.last_id = entries.last().map_or_else(|| self.last_id.take(), |(id, _)| Some(id.clone()));
        let told = |fields: &HashMap<String, String>| {
            Some((fields.get("tag")?.clone(), fields.get("version")?.parse().ok()?))
        };
        Ok(entries.iter().filter_map(|(_, fields)| told(fields)).collect())
    }

    async fn newest_id(&self, context: &Context) -> Result<String, Error> {
        let mut command = redis::cmd("XREVRANGE");
        command.arg(&self.stream).arg("+").arg("-").arg("COUNT").arg(1);
        let newest: StreamRangeReply = self.cluster.run(context, &self.stream, &command).await?;
        Ok(newest.ids.into_iter().next().map_or_else(|| "0-0".to_owned(), |entry| entry.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_version_that_is_raised_is_news() {
        let versions = Versions::new();
        for (tag, version, is_news) in [
            ("a", 0, false),
            ("a", 3, true),
            ("a", 3, false),
            ("a", 2, false),
            ("b", 1, true),
            ("a", 4, true),
        ] {
            let before = versions.news();
            versions.learn(tag, version);
            assert_eq!(versions.news() != before, is_news, "{tag} {version}");
        }
        assert_eq!((versions.known("a"), versions.known("b"), versions.known("c")), (4, 1, 0));
    }
}
