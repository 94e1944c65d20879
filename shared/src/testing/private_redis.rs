//! Settles how a test gets a Redis Cluster of its own: three primaries with a replica each, to be stopped and killed.

use std::process::{Command, Stdio};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisResult, cmd};
use tempfile::TempDir;

use super::eventually;
use super::private::{Engine, own_address, own_ports, program};
use crate::fault::Identity;
use crate::ids;
use crate::redis::{Config, Key};

const NODES: usize = 6;
/// How long one question to a node may take; one that stands still does not answer.
const LIMIT: Duration = Duration::from_millis(500);

/// A Redis Cluster that only this test uses, with a node time-out of 2 s. Takes about three seconds to make.
pub struct PrivateRedis {
    nodes: Vec<Node>,
    password: String,
    folder: TempDir,
}

struct Node {
    address: String,
    engine: Engine,
}

impl PrivateRedis {
    /// Makes and starts one. Call from the test's own thread.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let password = hex::encode(ids::random_bytes::<16>());
        std::fs::write(folder.path().join("password"), &password).expect("a password file");
        let (ports, buses) = (own_ports::<NODES>(), own_ports::<NODES>());
        let start = |(port, bus)| node(&folder, port, bus, &password);
        let nodes = ports.into_iter().zip(buses).map(start).collect();
        let this = Self { nodes, password, folder };
        eventually("the nodes answer", async || {
            this.every(async |mut node| cmd("PING").query_async::<()>(&mut node).await.is_ok()).await
        })
        .await;
        this.form();
        this.wait_until_whole().await;
        this
    }

    /// How a service connects.
    pub fn config(&self) -> Config {
        let nodes: Vec<&str> = self.nodes.iter().map(|node| node.address.as_str()).collect();
        let password_file = self.folder.path().join("password");
        let config = serde_json::json!({ "nodes": nodes, "password_file": password_file });
        serde_json::from_value(config).expect("a configuration of Redis")
    }

    /// The process that takes commands for this key.
    pub async fn primary_of(&self, key: &Key) -> Identity {
        for node in &self.nodes {
            let Ok(mut connection) = self.connect(node).await else { continue };
            if cmd("GET").arg(key).query_async::<Option<String>>(&mut connection).await.is_ok() {
                return node.engine.identity;
            }
        }
        panic!("nobody owns slot {}", key.slot())
    }

    /// Until every node answers, sees all slots owned, and follows its primary where it is a replica.
    pub async fn wait_until_whole(&self) {
        let is_whole = async |mut node: MultiplexedConnection| {
            let cluster =
                cmd("CLUSTER").arg("INFO").query_async::<String>(&mut node).await.unwrap_or_default();
            let own =
                cmd("INFO").arg("replication").query_async::<String>(&mut node).await.unwrap_or_default();
            let follows = !own.contains("role:slave") || own.contains("master_link_status:up");
            cluster.contains("cluster_state:ok") && cluster.contains("cluster_slots_ok:16384") && follows
        };
        eventually("the cluster is whole", async || self.every(is_whole).await).await;
    }

    async fn every(&self, question: impl AsyncFn(MultiplexedConnection) -> bool) -> bool {
        for node in &self.nodes {
            let Ok(connection) = self.connect(node).await else { return false };
            if !question(connection).await {
                return false;
            }
        }
        true
    }

    async fn connect(&self, node: &Node) -> RedisResult<MultiplexedConnection> {
        let client = Client::open(format!("redis://:{}@{}", self.password, node.address))?;
        let limits = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT));
        client.get_multiplexed_async_connection_with_config(&limits).await
    }

    fn form(&self) {
        let mut command = Command::new(program("redis-cli"));
        command.args(["--cluster", "create"]).args(self.nodes.iter().map(|node| &node.address));
        command.args(["--cluster-replicas", "1", "--cluster-yes"]).env("REDISCLI_AUTH", &self.password);
        let formed = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
        assert!(formed.is_ok_and(|status| status.success()), "redis-cli forms the cluster");
    }
}

fn node(folder: &TempDir, port: u16, bus: u16, password: &str) -> Node {
    let (address, path) = (own_address(), folder.path().join(port.to_string()));
    std::fs::create_dir(&path).expect("a folder for the node");
    let configuration = path.join("redis.conf");
    let text = format!(
        "bind {address}\nport {port}\ncluster-port {bus}\ndir \"{}\"\nlogfile redis.log\nsave \"\"\nappendonly no
cluster-enabled yes\ncluster-node-timeout 2000\ncluster-require-full-coverage no\nrepl-diskless-sync-delay 0
cluster-announce-ip {address}
requirepass {password}\nmasterauth {password}\n",
        path.display()
    );
    std::fs::write(&configuration, text).expect("a configuration for the node");
    let mut command = Command::new(program("redis-server"));
    command.arg(configuration);
    Node { address: format!("{address}:{port}"), engine: Engine::start(&command) }
}
