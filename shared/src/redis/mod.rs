//! Settles how a service talks to the Redis Cluster: each shard on a connection of its own, every wait with a limit, keys under one prefix.
//!
//! Commands are routed here and not by the cluster client of the `redis` crate, because that client keeps all shards
//! behind one queue: while it looks for a new owner nothing else is sent, and a stopped primary is never left
//! (`docs/decisions/0007`). What the cluster decides (ownership, failover, redirections) is only read and followed.

mod bell;
mod error;
mod names;
mod node;
mod redirection;
mod script;
mod slot;
mod stream;
mod topology;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use garde::Validate;
use opentelemetry::metrics::Meter;
use redis::{Cmd, ErrorKind, FromRedisValue, ServerErrorKind};
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::ablation::Part;
use crate::attribution::CLUSTER;
use crate::config::Secret;
use crate::context::Context;
use crate::resilience::breaker::Registry;
pub use bell::{Bell, Listener};
pub use error::Error;
use node::Node;
use redirection::{Redirection, send};
pub use script::{Call, Script};
pub use slot::Key;
pub use stream::StreamReader;
use topology::Topology;

/// Where the cluster is and how long a command may take.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `host:port` of some nodes; the others are learned from them.
    #[garde(length(min = 1))]
    pub nodes: Vec<String>,
    /// File that holds the cluster's password, if it has one.
    #[serde(default)]
    #[garde(skip)]
    pub password_file: Option<PathBuf>,
    /// Put before every key, so that installations or tests can share a cluster.
    #[serde(default)]
    #[garde(skip)]
    pub key_prefix: String,
    /// Longest time to connect to a node, in milliseconds.
    #[serde(default = "default_connect_ms")]
    #[garde(range(min = 1, max = 5_000))]
    pub connect_ms: u64,
    /// Longest wait for one answer, in milliseconds. When a node hangs, this is what each command on its slots costs.
    #[serde(default = "default_response_ms")]
    #[garde(range(min = 1, max = 5_000))]
    pub response_ms: u64,
    /// Longest time for a command with its redirections, in milliseconds.
    #[serde(default = "default_overall_ms")]
    #[garde(range(min = 1, max = 10_000))]
    pub overall_ms: u64,
    /// Commands in flight on one shard at once; one more waits up to 50 ms, then is refused.
    #[serde(default = "default_in_flight")]
    #[garde(range(min = 1, max = 100_000))]
    pub in_flight: usize,
    /// Addresses to use instead of those that the cluster announces, for clients behind a proxy or another network.
    #[serde(default)]
    #[garde(skip)]
    pub reach_as: BTreeMap<String, String>,
}

fn default_connect_ms() -> u64 {
    200
}
fn default_response_ms() -> u64 {
    200
}
fn default_overall_ms() -> u64 {
    500
}
fn default_in_flight() -> usize {
    256
}

/// The limits of one node.
#[derive(Debug, Clone, Copy)]
struct Limits {
    connect: Duration,
    response: Duration,
    place: Duration,
    in_flight: usize,
}

/// How long a command may wait for a place among those in flight.
const PLACE_LIMIT: Duration = Duration::from_millis(50);
/// Redirections followed for one command: a slot that has moved, and a key that is just moving.
const REDIRECTIONS: usize = 3;
/// Pause of a command with several keys that a moving slot has parted. Moving one key takes about a millisecond.
const SPLIT_PAUSE: Duration = Duration::from_millis(10);

/// The cluster, as the service's state holds it. Cloning shares the connections.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    topology: Arc<Topology>,
    key_prefix: String,
    overall_limit: Duration,
    _end: DropGuard,
}

impl Cluster {
    /// Learns who owns what, then follows it until the last clone is gone; connections live on `engine`. Tries each configured node once.
    pub async fn connect(config: &Config, breakers: &Registry, engine: &Handle) -> Result<Self, Error> {
        let limits = Limits {
            connect: Duration::from_millis(config.connect_ms),
            response: Duration::from_millis(config.response_ms),
            place: PLACE_LIMIT,
            in_flight: if breakers.ablation().removes(Part::Bulkheads) {
                Semaphore::MAX_PERMITS
            } else {
                config.in_flight
            },
        };
        let seeds: Vec<Arc<str>> = config.nodes.iter().map(|node| node.as_str().into()).collect();
        let reach_as = config.reach_as.clone().into_iter().collect();
        let password = config.password_file.as_deref().map(Secret::read).transpose()?;
        let topology = Topology::new(seeds, reach_as, password, limits, breakers.clone(), engine.clone());
        let topology = Arc::new(topology);
        topology.read_first().await?;
        let stop = CancellationToken::new();
        engine.spawn(topology.clone().watch(stop.clone()));
        let overall_limit = Duration::from_millis(config.overall_ms);
        let key_prefix = config.key_prefix.clone();
        Ok(Self(Arc::new(Inner { topology, key_prefix, overall_limit, _end: stop.drop_guard() })))
    }

    /// The key of that name under this installation's prefix.
    pub fn key(&self, name: &str) -> Key {
        Key::new(format!("{}{name}", self.0.key_prefix))
    }

    /// Runs one command on the shard of `key`.
    pub async fn run<T: FromRedisValue>(
        &self,
        context: &Context,
        key: &Key,
        command: &Cmd,
    ) -> Result<T, Error> {
        self.dispatch(context, key, command, command).await
    }

    /// Runs a script on the shard of `key`.
    pub async fn run_script<T: FromRedisValue>(
        &self,
        context: &Context,
        key: &Key,
        call: &Call,
    ) -> Result<T, Error> {
        self.dispatch(context, key, &call.by_hash, &call.whole).await
    }

    /// A reader of streams on a connection of its own.
    pub fn stream_reader(&self) -> StreamReader {
        StreamReader::new(self.0.topology.clone())
    }

    /// (address, whether it answers) for each node that owns slots.
    pub async fn ping(&self, context: &Context) -> Vec<(String, bool)> {
        let ask = async |node: Arc<Node>| {
            let question = redis::cmd("PING");
            let answer = node.run(context, async |mut c| question.query_async::<()>(&mut c).await).await;
            (node.address.to_string(), matches!(answer, Ok(Ok(()))))
        };
        join_all(self.0.topology.owners().into_iter().map(ask)).await
    }

    /// Makes a figure of what is lost of the cluster; it ends when the cluster's last clone does.
    pub fn observe(&self, meter: &Meter) {
        let topology = Arc::downgrade(&self.0.topology);
        let _lost = meter
            .u64_observable_gauge("ent.redis.slots.lost")
            .with_description("Hash slots of the Redis Cluster that nobody serves, as far as this instance knows; 16,384 are all.")
            .with_callback(move |gauge| {
                if let Some(topology) = topology.upgrade() {
                    gauge.observe(topology.slots_lost().into(), &[]);
                }
            })
            .build();
    }

    async fn dispatch<T: FromRedisValue>(
        &self,
        context: &Context,
        key: &Key,
        command: &Cmd,
        when_unknown: &Cmd,
    ) -> Result<T, Error> {
        context.tally().redis_command();
        let limit = context.remaining_up_to(self.0.overall_limit)?;
        let following = self.follow(context, key, command, when_unknown);
        timeout(limit, following).await.map_err(|_| Error::Timeout(CLUSTER))?
    }

    /// Sends to the owner, and on to where the cluster says.
    async fn follow<T: FromRedisValue>(
        &self,
        context: &Context,
        key: &Key,
        command: &Cmd,
        when_unknown: &Cmd,
    ) -> Result<T, Error> {
        let topology = &self.0.topology;
        let mut node = topology.owner(key.slot())?;
        let (mut command, mut is_asking, mut redirections) = (command, false, 0);
        loop {
            let answer = node.run(context, async |mut c| send(&mut c, command, is_asking).await).await;
            let error = match answer.inspect_err(|_| topology.look_again())? {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if let Some(redirection) = Redirection::of(&error).filter(|_| redirections < REDIRECTIONS) {
                if !redirection.is_asking {
                    topology.look_again();
                }
                redirections += 1;
                is_asking = redirection.is_asking;
                node = topology.node(&redirection.address)?;
            } else if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
                && !ptr::eq(command, when_unknown)
            {
                command = when_unknown;
            } else if error.kind() == ErrorKind::Server(ServerErrorKind::TryAgain) {
                // The keys of this command are at two nodes just now: it waits, as long as it may, until they are at one.
                tokio::time::sleep(SPLIT_PAUSE).await;
                (is_asking, redirections) = (false, 0);
                node = topology.owner(key.slot())?;
            } else {
                topology.look_again();
                return Err(Error::of(node.name, error));
            }
        }
    }
}
