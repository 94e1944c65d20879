//! Settles what the Redis Cluster knows of attempts at signing in: `at:{…}` holds a counter, or the names that a network tried, and expires.
//!
//! The rules are those of `domain::attempts::rules`; the scripts apply them where the instances meet. Names are keyed hashes.

use std::sync::LazyLock;

use shared::context::Context;
use shared::redis::{Cluster, Error, Key, Script};

use crate::domain::attempts::{MOST_NAMES, Pauses, Share};

/// ARGV: now, free failures, first and longest pause, memory (ms). Returns how long to wait.
static CHARGE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local now, free, first, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
          local stored = redis.call('HMGET', KEYS[1], 'count', 'last')
          local count, last = tonumber(stored[1] or '0'), tonumber(stored[2] or '0')
          if count >= free then
            local pause = math.min(first * 2 ^ math.min(count - free, 32), longest)
            if now < last + pause then return last + pause - now end
          end
          redis.call('HSET', KEYS[1], 'count', count + 1, 'last', ARGV[1])
          if not stored[1] or count >= free then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
          return 0",
    )
});

/// A counter that has expired meanwhile stays gone.
static TAKE_BACK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local count = tonumber(redis.call('HGET', KEYS[1], 'count') or '0')
          if count > 0 then redis.call('HSET', KEYS[1], 'count', count - 1) end
          return 0",
    )
});

/// ARGV: now, least failing, percent, trickle (ms). Returns how long to wait.
static WAIT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local stored = redis.call('HMGET', KEYS[1], 'failing', 'names', 'next')
          local failing, names, next = tonumber(stored[1] or '0'), tonumber(stored[2] or '0'), tonumber(stored[3] or '0')
          if failing < tonumber(ARGV[2]) or failing * 100 < names * tonumber(ARGV[3]) then return 0 end
          local now = tonumber(ARGV[1])
          if now < next then return next - now end
          redis.call('HSET', KEYS[1], 'next', now + tonumber(ARGV[4]))
          return 0",
    )
});

/// ARGV: name, whether it failed (0 or 1), most names, window (ms), least failing, percent.
static NOTE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local field = ':' .. ARGV[1]
          local before = redis.call('HGET', KEYS[1], field)
          if not before then
            local names = tonumber(redis.call('HGET', KEYS[1], 'names') or '0')
            if names >= tonumber(ARGV[3]) then return 0 end
            redis.call('HSET', KEYS[1], field, ARGV[2])
            redis.call('HINCRBY', KEYS[1], 'names', 1)
            redis.call('HINCRBY', KEYS[1], 'failing', ARGV[2])
            if names == 0 then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
          elseif before == '1' and ARGV[2] == '0' then
            redis.call('HSET', KEYS[1], field, '0')
            redis.call('HINCRBY', KEYS[1], 'failing', -1)
          end
          local stored = redis.call('HMGET', KEYS[1], 'failing', 'names')
          local failing, names = tonumber(stored[1]), tonumber(stored[2])
          if ARGV[2] == '1' and failing >= tonumber(ARGV[5]) and failing * 100 >= names * tonumber(ARGV[6]) then
            redis.call('PEXPIRE', KEYS[1], ARGV[4])
          end
          return 0",
    )
});

/// Counts an attempt as failed until it is taken back; or says how long to wait, in milliseconds.
pub async fn charge(
    cluster: &Cluster,
    context: &Context,
    name: &str,
    pauses: &Pauses,
    now_ms: u64,
) -> Result<u64, Error> {
    let key = key(cluster, name);
    let call = CHARGE.call(&key).arg(now_ms).arg(pauses.free).arg(pauses.first_ms).arg(pauses.longest_ms);
    cluster.run_script(context, &key, &call.arg(pauses.memory_ms)).await
}

/// The attempt did not fail.
pub async fn take_back(cluster: &Cluster, context: &Context, name: &str) -> Result<(), Error> {
    let key = key(cluster, name);
    cluster.run_script(context, &key, &TAKE_BACK.call(&key)).await
}

/// Forgets all failures.
pub async fn forget(cluster: &Cluster, context: &Context, name: &str) -> Result<(), Error> {
    let key = key(cluster, name);
    cluster.run(context, &key, redis::cmd("DEL").arg(&key)).await
}

/// How long to wait because too many names fail, in milliseconds.
pub async fn wait(
    cluster: &Cluster,
    context: &Context,
    name: &str,
    share: &Share,
    now_ms: u64,
) -> Result<u64, Error> {
    let key = key(cluster, name);
    let call = WAIT.call(&key).arg(now_ms).arg(share.least_failing).arg(share.percent).arg(share.trickle_ms);
    cluster.run_script(context, &key, &call).await
}

/// Notes how an attempt of `login` ended.
pub async fn note(
    cluster: &Cluster,
    context: &Context,
    name: &str,
    share: &Share,
    login: &str,
    has_failed: bool,
) -> Result<(), Error> {
    let key = key(cluster, name);
    let call = NOTE.call(&key).arg(login).arg(u8::from(has_failed)).arg(MOST_NAMES).arg(share.window_ms);
    cluster.run_script(context, &key, &call.arg(share.least_failing).arg(share.percent)).await
}

fn key(cluster: &Cluster, name: &str) -> Key {
    cluster.key(&format!("at:{{{name}}}"))
}
