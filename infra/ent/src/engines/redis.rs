//! Settles how one Redis node runs.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::layout::{make_dir, remove_dir, write_file};
use crate::machine::Engines;
use crate::ports::{EnginePorts, redis_bus};
use crate::process::Launch;

/// Three primaries and a replica of each.
pub(crate) const NODE_COUNT: usize = 6;
/// How long a node is silent before the others hold it for failed.
pub(crate) const NODE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one question to a node may take.
const LIMIT: Duration = Duration::from_millis(500);

/// The six nodes of one cluster.
pub(crate) struct Redis {
    /// The nodes, in the order of their ports.
    pub(crate) nodes: Vec<Node>,
    folder: PathBuf,
}

/// One node as clients and other nodes reach it.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// Where clients reach it.
    pub(crate) address: SocketAddr,
    /// Where the other nodes do.
    pub(crate) bus: u16,
    /// The password of the cluster.
    pub(crate) password: String,
}

/// One node of this machine.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// How it is reached.
    pub(crate) peer: Peer,
    program: PathBuf,
    folder: PathBuf,
    log: PathBuf,
}

impl Redis {
    /// A cluster with its data below `folder` and one log per node in `logs`.
    pub(crate) fn new(
        engines: &Engines,
        folder: &Path,
        logs: &Path,
        ports: EnginePorts,
        password: &str,
    ) -> Self {
        let folder = folder.join("redis");
        let nodes = ports.redis().into_iter().map(|port| Node {
            peer: Peer {
                address: (Ipv4Addr::LOCALHOST, port).into(),
                bus: redis_bus(port),
                password: password.to_owned(),
            },
            program: engines.redis.path.clone(),
            folder: folder.join(port.to_string()),
            log: logs.join(format!("redis-{port}.log")),
        });
        Self { nodes: nodes.collect(), folder }
    }

    /// Makes folders and configuration. A cluster that was never finished begins from nothing.
    pub(crate) fn prepare(&self) -> Result<()> {
        if !self.was_formed() {
            remove_dir(&self.folder)?;
        }
        make_dir(&self.folder, 0o700)?;
        self.nodes.iter().try_for_each(Node::prepare)
    }

    /// The nodes as they reach each other.
    pub(crate) fn peers(&self) -> Vec<Peer> {
        self.nodes.iter().map(|node| node.peer.clone()).collect()
    }

    /// Whether the nodes know each other already and only have to come back.
    pub(crate) fn was_formed(&self) -> bool {
        self.formed_mark().is_file()
    }

    /// Remembers that the cluster was complete once.
    pub(crate) fn mark_formed(&self) -> Result<()> {
        write_file(&self.formed_mark(), "", 0o600)
    }

    fn formed_mark(&self) -> PathBuf {
        self.folder.join("formed")
    }
}

impl Node {
    fn prepare(&self) -> Result<()> {
        make_dir(&self.folder, 0o700)?;
        write_file(&self.folder.join("redis.conf"), self.configuration(), 0o600)
    }

    fn configuration(&self) -> String {
        let Peer { address, bus, password } = &self.peer;
        settings(&Place {
            listens: "127.0.0.1",
            port: address.port(),
            bus: *bus,
            announces: None,
            folder: &self.folder,
            max_memory: "256mb",
            password,
        })
    }

    /// How the node is started.
    pub(crate) fn launch(&self) -> Launch {
        Launch {
            program: self.program.clone(),
            arguments: vec![self.folder.join("redis.conf").into_os_string()],
            environment: Vec::new(),
            folder: self.folder.clone(),
            log: self.log.clone(),
            run_as: None,
            death_signal: "TERM",
        }
    }
}

/// What differs from node to node.
pub(crate) struct Place<'a> {
    pub(crate) listens: &'a str,
    pub(crate) port: u16,
    pub(crate) bus: u16,
    /// The address that others are told, where it is not the one that is listened on.
    pub(crate) announces: Option<IpAddr>,
    pub(crate) folder: &'a Path,
    pub(crate) max_memory: &'a str,
    pub(crate) password: &'a str,
}

/// The configuration file of a node.
pub(crate) fn settings(place: &Place<'_>) -> String {
    let mut text = String::from("# Settles this node's settings; written anew at each start.\n");
    let folder = format!("\"{}\"", place.folder.display());
    let (port, bus) = (place.port.to_string(), place.bus.to_string());
    let timeout = NODE_TIMEOUT.as_millis().to_string();
    let fixed: [(&str, &str); 20] = [
        ("bind", place.listens),
        ("port", &port),
        ("dir", &folder),
        ("daemonize", "no"),
        ("cluster-enabled", "yes"),
        ("cluster-port", &bus),
        ("cluster-config-file", "nodes.conf"),
        ("cluster-node-timeout", &timeout),
        // One shard's loss is that shard's loss; and nobody reads from a node that lost touch with the others.
        ("cluster-require-full-coverage", "no"),
        ("cluster-allow-reads-when-down", "no"),
        ("requirepass", place.password),
        ("masterauth", place.password),
        // A node that restarts with its data cannot wipe its replica.
        ("appendonly", "yes"),
        ("appendfsync", "everysec"),
        ("save", "\"\""),
        ("repl-diskless-sync-delay", "0"),
        ("maxmemory", place.max_memory),
        // Sessions are no cache: a full node refuses writes instead of forgetting people.
        ("maxmemory-policy", "noeviction"),
        ("maxclients", "2000"),
        ("tcp-keepalive", "30"),
    ];
    let announced = place.announces.map(|address| ("cluster-announce-ip", address.to_string()));
    let announced = announced.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in fixed.into_iter().chain(announced) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name} {value}");
    }
    text
}

impl Peer {
    /// A connection for a few questions.
    pub(crate) fn connect(&self) -> Result<redis::Connection> {
        connect(self.address, &self.password)
    }
}

/// A connection to a node for a few questions.
pub(super) fn connect(address: SocketAddr, password: &str) -> Result<redis::Connection> {
    let url = format!("redis://:{password}@{address}");
    let open = || -> redis::RedisResult<redis::Connection> {
        let connection = redis::Client::open(url)?.get_connection_with_timeout(LIMIT)?;
        connection.set_read_timeout(Some(LIMIT))?;
        connection.set_write_timeout(Some(LIMIT))?;
        Ok(connection)
    };
    open().map_err(|error| {
        let reason = if error.is_timeout() {
            format!("no answer within {} ms", LIMIT.as_millis())
        } else {
            error.to_string()
        };
        anyhow!("Redis node {address}: {reason}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_data_and_its_folder_may_have_spaces() {
        let peer = Peer { address: (Ipv4Addr::LOCALHOST, 17001).into(), bus: 17101, password: "abc".into() };
        let node =
            Node { peer, program: "redis-server".into(), folder: "/a b/17001".into(), log: "/l".into() };
        let text = node.configuration();
        for line in [
            "dir \"/a b/17001\"",
            "cluster-port 17101",
            "appendonly yes",
            "requirepass abc",
            "masterauth abc",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }
}
