//! Settles how tests break a network: the fault proxy in front of an engine, on a free port, running while the test holds it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::task::JoinSet;

use super::engines;
use crate::fault::{self, Counts, NetworkFault, Proxy};

/// A proxy on a free port of loopback; ends with this value.
pub struct FaultProxy {
    proxy: Proxy,
    _work: JoinSet<()>,
}

impl FaultProxy {
    /// Stands in front of `target` (`host:port`).
    pub async fn in_front_of(target: &str) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let (proxy, work) = fault::open(address, target.to_owned()).await.expect("a free port");
        let mut tasks = JoinSet::new();
        tasks.spawn(work);
        Self { proxy, _work: tasks }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.proxy.address()
    }

    /// How many connections were attempted so far.
    pub fn attempts(&self) -> usize {
        usize::try_from(self.counts().accepted).expect("fewer connections than memory has addresses")
    }

    /// What went through so far.
    pub fn counts(&self) -> Counts {
        self.proxy.counts()
    }

    /// Makes this fault instead of the one before.
    pub fn set(&self, fault: NetworkFault) {
        self.proxy.set(fault);
    }

    /// Resets every connection, now and from now on.
    pub fn break_connections(&self) {
        self.set(NetworkFault::Reset);
    }

    /// Lets nothing through while connections stay open.
    pub fn stall(&self) {
        self.set(NetworkFault::BlackHole);
    }

    /// Lets everything through again.
    pub fn restore(&self) {
        self.set(NetworkFault::None);
    }
}

/// A proxy in front of every node of the test cluster, and the map that leads a service through them.
pub async fn redis_behind_proxies() -> (BTreeMap<String, String>, Vec<FaultProxy>) {
    let (_, nodes) = engines::redis_nodes();
    let (mut reach_as, mut proxies) = (BTreeMap::new(), Vec::new());
    for node in nodes {
        let proxy = FaultProxy::in_front_of(&node).await;
        reach_as.insert(node, proxy.address().to_string());
        proxies.push(proxy);
    }
    (reach_as, proxies)
}
