//! Settles how an instance knows that something has changed: the highest version heard of each tag, told by whoever changed it.

use moka::sync::Cache;

use crate::redis::{Cluster, Error, Key, StreamReader};
use std::time::Duration;

use crate::clock::SharedClock;
use crate::context::Context;
use tokio_util::sync::CancellationToken;

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
}

impl Versions {
    pub(super) fn new() -> Self {
        Self { known: Cache::new(REMEMBERED_TAGS) }
    }

    /// 0 when nothing was heard of the tag.
    pub(super) fn known(&self, tag: &str) -> i64 {
        self.known.get(tag).unwrap_or(0)
    }

    /// Remembers a version; an older one changes nothing.
    pub(super) fn learn(&self, tag: &str, version: i64) {
        self.known
            .entry(tag.to_owned())
            .and_upsert_with(|known| known.map_or(version, |known| (*known.value()).max(version)));
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

/// Hears what other instances tell, until `stop`. After a time of silence (Redis away, entries trimmed) nothing is
/// known for sure any more, so `forget` is called.
pub(super) async fn hear(
    versions: Versions,
    mut reader: StreamReader,
    stream: Key,
    clock: SharedClock,
    forget: impl Fn(),
    stop: CancellationToken,
) {
    let mut last_id = "$".to_owned();
    let mut was_deaf = false;
    loop {
        let context = Context::background(clock.clone(), LIMIT);
        let news = tokio::select! {
            news = reader.read_after(&context, &stream, &last_id) => news,
            () = stop.cancelled() => return,
        };
        match news {
            Ok(entries) => {
                if std::mem::take(&mut was_deaf) {
                    forget();
                }
                for (id, fields) in entries {
                    last_id = id;
                    if let (Some(tag), Some(version)) = (fields.get("tag"), fields.get("version")) {
                        versions.learn(tag, version.parse().unwrap_or(0));
                    }
                }
            }
            Err(error) => {
                if !was_deaf {
                    tracing::warn!(%error, "invalidations cannot be heard; cached entries age by themselves");
                }
                was_deaf = true;
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
    }
}
