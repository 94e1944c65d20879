//! Settles what the Redis Cluster knows of the waiting room: `wr:{waiting-room}` holds reports, lease and state; `wr:{ticket}` says that one was used.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use shared::context::Context;
use shared::redis::{Cluster, Error, Key, Script};

use crate::domain::waiting_room::Ticket;

/// What an instance learns when it has reported.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The state, if there is one.
    pub state: Option<String>,
    /// Everybody's reports; only for the holder of the lease.
    pub reports: Option<BTreeMap<String, String>>,
}

/// Whoever holds the lease and is not heard of for this long has lost it.
const LEASE: Duration = Duration::from_secs(2);
/// A used ticket is remembered for as long as a ticket can be good.
const SPENT_S: u64 = 2 * 3_600;

/// ARGV: instance, its report, length of the lease (ms). Only the holder gets the reports.
static EXCHANGE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"redis.call('HSET', KEYS[1], 'report:' .. ARGV[1], ARGV[2])
          redis.call('PEXPIRE', KEYS[1], 60000)
          local time = redis.call('TIME')
          local now = time[1] * 1000 + math.floor(time[2] / 1000)
          local holder = redis.call('HGET', KEYS[1], 'holder')
          local held_until = tonumber(redis.call('HGET', KEYS[1], 'held_until') or '0')
          if not holder or holder == ARGV[1] or held_until < now then
            redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'held_until', now + ARGV[3])
            return redis.call('HGETALL', KEYS[1])
          end
          return {'state', redis.call('HGET', KEYS[1], 'state') or ''}",
    )
});

/// ARGV: instance, the state, then instances that are gone. Nothing is written when the lease is another's by now.
static PUBLISH: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return 0 end
          redis.call('HSET', KEYS[1], 'state', ARGV[2])
          for i = 3, #ARGV do redis.call('HDEL', KEYS[1], 'report:' .. ARGV[i]) end
          return 1",
    )
});

/// Reports, and learns how things stand.
pub async fn exchange(
    cluster: &Cluster,
    context: &Context,
    instance: &str,
    report: &str,
) -> Result<Exchange, Error> {
    let key = room(cluster);
    let lease_ms = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
    let call = EXCHANGE.call(&key).arg(instance).arg(report).arg(lease_ms);
    let mut fields: BTreeMap<String, String> = cluster.run_script(context, &key, &call).await?;
    let state = fields.remove("state").filter(|state| !state.is_empty());
    let is_holder = fields.contains_key("holder");
    let report =
        |(field, report): (String, String)| Some((field.strip_prefix("report:")?.to_owned(), report));
    Ok(Exchange { state, reports: is_holder.then(|| fields.into_iter().filter_map(report).collect()) })
}

/// Publishes a state, if the lease still is this instance's; `gone` are reports to be forgotten.
pub async fn publish(
    cluster: &Cluster,
    context: &Context,
    instance: &str,
    state: &str,
    gone: &[String],
) -> Result<bool, Error> {
    let key = room(cluster);
    let call = gone.iter().fold(PUBLISH.call(&key).arg(instance).arg(state), shared::redis::Call::arg);
    let published: i64 = cluster.run_script(context, &key, &call).await?;
    Ok(published == 1)
}

/// Uses up one try of a ticket. False when it was used before.
pub async fn spend(cluster: &Cluster, context: &Context, ticket: &Ticket) -> Result<bool, Error> {
    let key = cluster.key(&format!("wr:{{{}}}:{}", ticket.id.simple(), ticket.tries));
    let mut command = redis::cmd("SET");
    command.arg(&key).arg(1).arg("NX").arg("EX").arg(SPENT_S);
    let outcome: Option<String> = cluster.run(context, &key, &command).await?;
    Ok(outcome.is_some())
}

fn room(cluster: &Cluster) -> Key {
    cluster.key("wr:{waiting-room}")
}
