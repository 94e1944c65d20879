//! Settles how revocations travel through Redis: three streams with the same content, each on another part of the slots.
//!
//! An entry must not claim to be younger than it is. Whoever appends asks the stream's own clock before reading the
//! database, and the stream takes the entry only within half a second of that; no two clocks are ever compared.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::News;
use crate::context::Context;
use crate::redis::{Cluster, Error, Key, Script};

/// Tags whose slots lie in the first, the middle and the last third (3271, 7266 and 15524): with three shards, one on each.
const TAGS: [&str; 3] = ["revoked-a", "revoked-d", "revoked-b"];
/// Entries kept for readers that were away for a moment; one that missed more asks auth.
const STREAM_LENGTH: u32 = 500;
/// The database must be read and the entry appended within this, in milliseconds.
pub(super) const LATE_MS: u64 = 500;
/// An entry that tells nothing new is left out when the newest is younger than this, in milliseconds: several instances
/// of auth tell, and one entry a second is enough.
const HEARTBEAT_MS: u32 = 800;

static MARK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local time = redis.call('TIME')
          local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
          return {time[1] * 1000 + math.floor(time[2] / 1000), newest and newest[2][2] or '-1'}",
    )
});

/// ARGV: time of the mark, epoch that the entry goes up to, the entry, length, lateness, heartbeat.
static APPEND: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local time = redis.call('TIME')
          local now = time[1] * 1000 + math.floor(time[2] / 1000)
          if now - ARGV[1] > tonumber(ARGV[5]) then return 0 end
          local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
          if newest and tonumber(ARGV[2]) <= tonumber(newest[2][2]) then
            local appended = string.match(newest[1], '^(%d+)-')
            if now - appended < tonumber(ARGV[6]) then return 0 end
          end
          redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], '*', 'upto', ARGV[2], 'news', ARGV[3])
          return 1",
    )
});

/// Where a stream is.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// The time by the stream's own clock.
    redis_ms: i64,
    /// The epoch that its newest entry goes up to; `None` while it is empty.
    pub told: Option<i64>,
}

/// The streams of an installation. Cloning shares the cluster.
#[derive(Clone)]
pub struct Streams {
    cluster: Cluster,
    keys: [Key; TAGS.len()],
}

impl Streams {
    /// How many there are.
    pub const COUNT: usize = TAGS.len();

    /// Those in `cluster`.
    pub fn new(cluster: Cluster) -> Self {
        let keys = TAGS.map(|tag| cluster.key(&format!("revocations:{{{tag}}}")));
        Self { cluster, keys }
    }

    /// One after the other.
    pub fn keys(&self) -> &[Key; Self::COUNT] {
        &self.keys
    }

    /// Where a stream is now; to be asked before the database is.
    pub async fn mark(&self, context: &Context, stream: &Key) -> Result<Mark, Error> {
        let call = MARK.call(stream);
        let (redis_ms, told): (i64, i64) = self.cluster.run_script(context, stream, &call).await?;
        Ok(Mark { redis_ms, told: (told >= 0).then_some(told) })
    }

    /// Appends what was read after `mark`, unless it is too late or told already.
    pub async fn append(
        &self,
        context: &Context,
        stream: &Key,
        mark: Mark,
        news: &News,
    ) -> Result<(), Error> {
        let text = serde_json::to_string(news).unwrap_or_default();
        let call = APPEND.call(stream).arg(mark.redis_ms).arg(news.upto).arg(text);
        let call = call.arg(STREAM_LENGTH).arg(LATE_MS).arg(HEARTBEAT_MS);
        self.cluster.run_script(context, stream, &call).await
    }
}

/// What an entry says; `None` for what another release wrote in another way.
pub(super) fn news_in(fields: &HashMap<String, String>) -> Option<News> {
    serde_json::from_str(fields.get("news")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stream_lies_in_a_third_of_the_slots_of_its_own() {
        let slot = |tag: &str| crc16::State::<crc16::XMODEM>::calculate(tag.as_bytes()) % 16_384;
        let thirds = TAGS.map(|tag| slot(tag) / 5_462);
        assert_eq!(thirds, [0, 1, 2]);
    }
}
