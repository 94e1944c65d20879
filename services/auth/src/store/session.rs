//! Settles what the Redis Cluster knows of a session: `s:{sid}` holds the current generation and since when, or that it was ended, and expires when idle.

use std::sync::LazyLock;

use shared::context::Context;
use shared::redis::{Cluster, Error, Key, Script};
use uuid::Uuid;

/// What became of a refresh.
#[derive(Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The generation that the next handle carries.
    Next(u32),
    /// An older handle came back after its grace: somebody holds a copy, and the session has been ended.
    Killed,
    /// It has been ended.
    Over,
    /// It rested for longer than it may, and has been ended.
    Idle,
    /// Nothing is known of such a session: it was idle too long, or a failover has lost it.
    Unknown,
}

/// What is known of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// Its generation, and since when that is the one, in Unix milliseconds.
    Current {
        /// The generation.
        generation: u32,
        /// Since when.
        since_ms: i64,
    },
    /// It has been ended.
    Ended,
}

impl Record {
    fn parse(text: &str) -> Option<Self> {
        if text == ENDED {
            return Some(Self::Ended);
        }
        let (generation, since_ms) = text.split_once(':')?;
        Some(Self::Current { generation: generation.parse().ok()?, since_ms: since_ms.parse().ok()? })
    }
}

/// Kept in place of a session that was ended, for as long as its copy could be taken for a forgotten one.
const ENDED: &str = "ended";

/// How long the previous handle still gives the same successor: lost replies, two tabs.
pub const GRACE_MS: i64 = 60_000;

/// The record is "generation:since". ARGV: presented generation, now (ms), grace (ms), time to live (s),
/// idle limit (ms), last proof of who it is (ms).
/// A presented generation above the stored one carries a valid MAC, so it was issued: a failover has lost
/// the write, and the record catches up.
static ROTATE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local stored = redis.call('GET', KEYS[1])
          if not stored then return -2 end
          if stored == 'ended' then return -3 end
          local generation, since = string.match(stored, '^(%d+):(%d+)$')
          generation, since = tonumber(generation), tonumber(since)
          local presented, now = tonumber(ARGV[1]), tonumber(ARGV[2])
          if presented == generation and now - math.max(since, tonumber(ARGV[6])) >= tonumber(ARGV[5]) then
            redis.call('SET', KEYS[1], 'ended', 'EX', ARGV[4])
            return -4
          end
          if presented >= generation then
            redis.call('SET', KEYS[1], (presented + 1) .. ':' .. ARGV[2], 'EX', ARGV[4])
            return presented + 1
          end
          if presented == generation - 1 and now - since <= tonumber(ARGV[3]) then return generation end
          redis.call('SET', KEYS[1], 'ended', 'EX', ARGV[4])
          return -1",
    )
});

/// Records a new session.
pub async fn insert(cluster: &Cluster, context: &Context, sid: Uuid, idle_s: u64) -> Result<(), Error> {
    let key = key(cluster, sid);
    let mut command = redis::cmd("SET");
    command.arg(&key).arg("0:0").arg("EX").arg(idle_s);
    cluster.run(context, &key, &command).await
}

/// What a handle says of its session, and how long that may rest.
#[derive(Debug, Clone, Copy)]
pub struct Presented {
    /// The session.
    pub sid: Uuid,
    /// The generation.
    pub generation: u32,
    /// When the person proved who they are, in Unix milliseconds.
    pub proved_ms: i64,
    /// The idle limit. It may be shorter than when the record was written, so that its expiry alone does not do.
    pub idle_limit_ms: i64,
}

/// Exchanges a presented generation for the next one, whose record expires after `idle_s`.
pub async fn rotate(
    cluster: &Cluster,
    context: &Context,
    presented: &Presented,
    now_ms: i64,
    idle_s: u64,
) -> Result<Rotation, Error> {
    let key = key(cluster, presented.sid);
    let call = ROTATE.call(&key).arg(presented.generation).arg(now_ms).arg(GRACE_MS).arg(idle_s);
    let call = call.arg(presented.idle_limit_ms).arg(presented.proved_ms);
    let answer: i64 = cluster.run_script(context, &key, &call).await?;
    Ok(match answer {
        -2 => Rotation::Unknown,
        -3 => Rotation::Over,
        -4 => Rotation::Idle,
        generation => u32::try_from(generation).map_or(Rotation::Killed, Rotation::Next),
    })
}

/// What is known of a session, which stays known for another idle limit.
pub async fn find(
    cluster: &Cluster,
    context: &Context,
    sid: Uuid,
    idle_s: u64,
) -> Result<Option<Record>, Error> {
    let key = key(cluster, sid);
    let mut command = redis::cmd("GETEX");
    command.arg(&key).arg("EX").arg(idle_s);
    let text: Option<String> = cluster.run(context, &key, &command).await?;
    Ok(text.as_deref().and_then(Record::parse))
}

/// Puts back what a failover has lost, unless somebody else has meanwhile.
pub async fn restore(
    cluster: &Cluster,
    context: &Context,
    sid: Uuid,
    generation: u32,
    since_ms: i64,
    idle_s: u64,
) -> Result<(), Error> {
    let key = key(cluster, sid);
    let mut command = redis::cmd("SET");
    command.arg(&key).arg(format!("{generation}:{since_ms}")).arg("NX").arg("EX").arg(idle_s);
    cluster.run::<Option<String>>(context, &key, &command).await.map(|_| ())
}

/// Ends a session.
pub async fn end(cluster: &Cluster, context: &Context, sid: Uuid, idle_s: u64) -> Result<(), Error> {
    let key = key(cluster, sid);
    let mut command = redis::cmd("SET");
    command.arg(&key).arg(ENDED).arg("EX").arg(idle_s.max(1));
    cluster.run(context, &key, &command).await
}

fn key(cluster: &Cluster, sid: Uuid) -> Key {
    cluster.key(&format!("s:{{{}}}", sid.simple()))
}
