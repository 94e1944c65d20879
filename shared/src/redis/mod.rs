//! Settles how a service talks to the Redis Cluster: every time-out set, a bound on commands in flight, keys under one prefix.

mod error;
mod stream;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use garde::Validate;
use redis::cluster::{ClusterClient, ClusterClientBuilder, NodeAddress};
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, FromRedisValue, Script, ScriptInvocation};
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::{Invalid, Secret};
use crate::context::Context;
pub use error::Error;
pub use stream::StreamReader;

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
    /// Longest time for a command with its one retry and redirections, in milliseconds.
    #[serde(default = "default_overall_ms")]
    #[garde(range(min = 1, max = 10_000))]
    pub overall_ms: u64,
    /// Commands in flight at once; one more waits within its own limit, then is refused.
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

/// How long a command may wait for a place among those in flight.
const PLACE_LIMIT: Duration = Duration::from_millis(50);

/// The cluster, as the service's state holds it. Cloning shares the connections.
#[derive(Clone)]
pub struct Cluster {
    connection: ClusterConnection,
    places: Arc<Semaphore>,
    key_prefix: Arc<str>,
    overall_limit: Duration,
    client: Arc<ClusterClient>,
    engine: Handle,
}

impl Cluster {
    /// Connects to the cluster; its connections live on `engine`. One attempt, within the configured limits.
    pub async fn connect(config: &Config, engine: &Handle) -> Result<Self, Error> {
        let client = builder(config)?
            .response_timeout(Duration::from_millis(config.response_ms))
            .overall_response_timeout(Some(Duration::from_millis(config.overall_ms)))
            .build()?;
        let connection = open(engine, client.clone()).await?;
        Ok(Self {
            connection,
            places: Arc::new(Semaphore::new(config.in_flight)),
            key_prefix: config.key_prefix.as_str().into(),
            overall_limit: Duration::from_millis(config.overall_ms),
            client: Arc::new(stream::client(builder(config)?)?),
            engine: engine.clone(),
        })
    }

    /// The full name of a key.
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.key_prefix)
    }

    /// Runs one command; keys in it come from [`Cluster::key`].
    pub async fn run<T: FromRedisValue>(&self, context: &Context, command: &Cmd) -> Result<T, Error> {
        self.bounded(context, async |mut connection| command.query_async(&mut connection).await).await
    }

    /// Runs a script on the shard of its keys.
    pub async fn run_script<T: FromRedisValue>(
        &self,
        context: &Context,
        script: &Script,
        arrange: impl FnOnce(&mut ScriptInvocation<'_>),
    ) -> Result<T, Error> {
        let mut invocation = script.prepare_invoke();
        arrange(&mut invocation);
        self.bounded(context, async |mut connection| invocation.invoke_async(&mut connection).await).await
    }

    /// A reader of streams on a connection of its own: a blocking read must not hold up anybody's command.
    pub async fn stream_reader(&self) -> Result<StreamReader, Error> {
        let client = ClusterClient::clone(&self.client);
        Ok(StreamReader::new(open(&self.engine, client).await?, self.key_prefix.clone()))
    }

    /// Asks each primary for a sign of life; fails when one does not answer.
    pub async fn ping(&self, context: &Context) -> Result<(), Error> {
        self.run::<()>(context, &redis::cmd("PING")).await
    }

    async fn bounded<T>(
        &self,
        context: &Context,
        call: impl AsyncFnOnce(ClusterConnection) -> redis::RedisResult<T>,
    ) -> Result<T, Error> {
        context.tally().redis_command();
        let wait = context.remaining_up_to(PLACE_LIMIT)?;
        let place = timeout(wait, self.places.acquire()).await.map_err(|_| Error::Busy)?;
        let _place = place.map_err(|_| Error::Busy)?;
        let limit = context.remaining_up_to(self.overall_limit)?;
        let answer = timeout(limit, call(self.connection.clone())).await;
        Ok(answer.map_err(|_| Error::Timeout)??)
    }
}

fn builder(config: &Config) -> Result<ClusterClientBuilder, Error> {
    let nodes = config.nodes.iter().map(|node| format!("redis://{node}/"));
    let mut builder = ClusterClientBuilder::new(nodes)
        .connection_timeout(Duration::from_millis(config.connect_ms))
        // One retry: the first attempt may meet a node that has just handed its slots over.
        .retries(1)
        .min_retry_wait(20)
        .max_retry_wait(100)
        .connection_concurrency_limit(config.in_flight);
    if let Some(file) = &config.password_file {
        builder = builder.password(Secret::read(file)?.expose());
    }
    if !config.reach_as.is_empty() {
        let pair = |(from, to): (&String, &String)| Ok::<_, redis::RedisError>((from.parse()?, to.parse()?));
        let map = config.reach_as.iter().map(pair).collect::<Result<HashMap<NodeAddress, NodeAddress>, _>>();
        let map = map.map_err(|error| Invalid::new(format!("redis.reach_as: not host:port: {error}")))?;
        builder = builder.node_address_map(map);
    }
    Ok(builder)
}

/// Opens on the engine runtime, because the connection's driver lives where it was opened.
async fn open(engine: &Handle, client: ClusterClient) -> Result<ClusterConnection, Error> {
    let opening = engine.spawn(async move { client.get_async_connection().await });
    let opening = tokio_util::task::AbortOnDropHandle::new(opening);
    let opened = timeout(Duration::from_secs(3), opening).await.map_err(|_| Error::Timeout)?;
    Ok(opened.map_err(|_| Error::Unreachable("the engine runtime is stopping".to_owned()))??)
}
