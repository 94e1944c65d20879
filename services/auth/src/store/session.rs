//! Settles what the Redis Cluster knows of a session: `s:{sid}` holds the current generation and since when, and expires when idle.

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
    /// There is no such session.
    Unknown,
}

/// How long the previous handle still gives the same successor: lost replies, two tabs.
const GRACE_MS: i64 = 60_000;

/// The record is "generation:since". ARGV: presented generation, now (ms), grace (ms), idle limit (s).
/// A presented generation above the stored one carries a valid MAC, so it was issued: a failover has lost
/// the write, and the record catches up.
static ROTATE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local stored = redis.call('GET', KEYS[1])
          if not stored then return -2 end
          local generation, since = string.match(stored, '^(%d+):(%d+)$')
          generation, since = tonumber(generation), tonumber(since)
          local presented, now = tonumber(ARGV[1]), tonumber(ARGV[2])
          if presented >= generation then
            redis.call('SET', KEYS[1], (presented + 1) .. ':' .. ARGV[2], 'EX', ARGV[4])
            return presented + 1
          end
          if presented == generation - 1 and now - since <= tonumber(ARGV[3]) then return generation end
          redis.call('DEL', KEYS[1])
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

/// Exchanges a presented generation for the next one.
pub async fn rotate(
    cluster: &Cluster,
    context: &Context,
    sid: Uuid,
    presented: u32,
    now_ms: i64,
    idle_s: u64,
) -> Result<Rotation, Error> {
    let key = key(cluster, sid);
    let call = ROTATE.call(&key).arg(presented).arg(now_ms).arg(GRACE_MS).arg(idle_s);
    let answer: i64 = cluster.run_script(context, &key, &call).await?;
    Ok(match answer {
        -2 => Rotation::Unknown,
        generation => u32::try_from(generation).map_or(Rotation::Killed, Rotation::Next),
    })
}

/// Forgets a session.
pub async fn delete(cluster: &Cluster, context: &Context, sid: Uuid) -> Result<(), Error> {
    let key = key(cluster, sid);
    cluster.run(context, &key, redis::cmd("DEL").arg(&key)).await
}

fn key(cluster: &Cluster, sid: Uuid) -> Key {
    cluster.key(&format!("s:{{{}}}", sid.simple()))
}
