//! Settles how slot ownership is followed: read four times a second beside the requests, swapped in when it has changed, never decided here.
//!
//! A cluster client that looks for the new owner on the path of a failing request stops every other request
//! meanwhile (measured: 3 s for healthy shards), and one that hangs on a stopped primary never looks at all. Here nothing
//! waits for the watcher: requests go where the last known map says, and the map is replaced in one step.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::names::Names;
use super::node::Node;
use super::slot::{Ownership, SLOTS};
use super::{Error, Limits};
use crate::ablation::Part;
use crate::attribution::CLUSTER;
use crate::config::Secret;
use crate::context::Context;
use crate::resilience::breaker::{Policy, Registry, Settings};

/// How often ownership is read, on top of the least pause: four times a second.
const READ_EVERY: Duration = Duration::from_millis(150);

/// Least pause between two readings.
const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// The nodes and who owns what. Requests read it; only the watcher writes it.
pub(super) struct Topology {
    seeds: Vec<Arc<str>>,
    reach_as: HashMap<String, String>,
    password: Option<Secret>,
    limits: Limits,
    engine: Handle,
    breakers: Registry,
    names: Names,
    map: RwLock<Map>,
    wanted: Notify,
}

#[derive(Default)]
struct Map {
    ownership: Ownership,
    nodes: HashMap<Arc<str>, Arc<Node>>,
}

impl Topology {
    /// Knows nothing yet but where to ask.
    pub(super) fn new(
        seeds: Vec<Arc<str>>,
        reach_as: HashMap<String, String>,
        password: Option<Secret>,
        limits: Limits,
        breakers: Registry,
        engine: Handle,
    ) -> Self {
        Self {
            seeds,
            reach_as,
            password,
            limits,
            engine,
            breakers,
            names: Names::default(),
            map: RwLock::default(),
            wanted: Notify::new(),
        }
    }

    /// The node that owns a slot, as far as is known.
    pub(super) fn owner(&self, slot: u16) -> Result<Arc<Node>, Error> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        let owner = map.ownership.owner(slot).and_then(|address| map.nodes.get(address));
        owner.cloned().ok_or_else(|| Error::Unreachable(CLUSTER, format!("slot {slot} has no owner")))
    }

    /// Every node that owns slots.
    pub(super) fn owners(&self) -> Vec<Arc<Node>> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        map.ownership.owners().iter().filter_map(|address| map.nodes.get(address).cloned()).collect()
    }

    /// Slots that nobody serves, as far as is known here: most primaries hold their owner for failed, or it takes no connection.
    pub(super) fn slots_lost(&self) -> u16 {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        let answers = |address: &str| map.nodes.get(address).is_some_and(|node| node.is_connected());
        SLOTS.saturating_sub(map.ownership.served(answers))
    }

    /// The node at an address, which is opened when it is new: a redirection may name one before the map does.
    pub(super) fn node(&self, address: &str) -> Result<Arc<Node>, Error> {
        if let Some(node) = self.map.read().unwrap_or_else(PoisonError::into_inner).nodes.get(address) {
            return Ok(node.clone());
        }
        let node = self.open(address.into(), &format!("redis:{address}"), self.limits)?;
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        Ok(map.nodes.entry(node.address.clone()).or_insert(node).clone())
    }

    /// A connection of its own to a node, for calls that may take long.
    pub(super) fn open_apart(&self, address: &Arc<str>, response: Duration) -> Result<Arc<Node>, Error> {
        let limits = Limits { response, in_flight: 1, ..self.limits };
        // A domain of its own: what blocks on purpose must not count as slow among commands.
        self.open(address.clone(), &format!("redis:{address}:stream"), limits)
    }

    /// Something failed: ownership may have changed, so it is read at once.
    pub(super) fn look_again(&self) {
        self.wanted.notify_one();
    }

    /// Asks each seed once, for a start.
    pub(super) async fn read_first(&self) -> Result<(), Error> {
        let mut last = Error::Unreachable(CLUSTER, "no node is configured".to_owned());
        for seed in &self.seeds {
            let node = self.node(seed)?;
            match self.read_from(&node).await {
                Ok(()) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Reads ownership until `stop`.
    pub(super) async fn watch(self: Arc<Self>, stop: CancellationToken) {
        if self.breakers.ablation().removes(Part::TopologyWatch) {
            return;
        }
        let mut turn = 0;
        loop {
            if let Err(error) = self.read(turn).await {
                tracing::debug!(%error, "slot ownership could not be read in this turn");
            }
            turn = turn.wrapping_add(1);
            // Failing requests may ask for more than can be learned: never more often than ten times a second.
            tokio::time::sleep(LEAST_PAUSE).await;
            tokio::select! {
                () = tokio::time::sleep(READ_EVERY) => {}
                () = self.wanted.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Asks one node, each turn another one: a node that hangs costs one turn.
    async fn read(&self, turn: usize) -> Result<(), Error> {
        let node = self.adviser(turn)?;
        self.read_from(&node).await
    }

    async fn read_from(&self, node: &Node) -> Result<(), Error> {
        let context =
            Context::background(self.breakers.clock().clone(), self.limits.connect + self.limits.response);
        let mut question = redis::cmd("CLUSTER");
        question.arg("NODES");
        let answer = node.run(&context, async |mut c| question.query_async::<String>(&mut c).await).await?;
        let text = answer.map_err(|error| Error::of(node.name, error))?;
        let ownership = Ownership::parse(&text)
            .ok_or_else(|| Error::Unreachable(CLUSTER, "no slot has an owner".to_owned()))?;
        self.adopt(ownership)
    }

    fn adviser(&self, turn: usize) -> Result<Arc<Node>, Error> {
        let known = self.owners();
        let connected: Vec<Arc<Node>> = known.into_iter().filter(|node| node.is_connected()).collect();
        // Every fourth turn a seed is asked: the owners may all have gone.
        if let Some(node) = connected.get(turn % connected.len().max(1)).filter(|_| turn % 4 != 3) {
            return Ok(node.clone());
        }
        let seed = self.seeds.get((turn / 4 + turn) % self.seeds.len().max(1));
        self.node(seed.ok_or_else(|| Error::Unreachable(CLUSTER, "no node is configured".to_owned()))?)
    }

    /// Opens nodes that are new beside the old ones, then swaps; nodes that own nothing and are no seeds are let go.
    fn adopt(&self, ownership: Ownership) -> Result<(), Error> {
        {
            let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
            if map.ownership == ownership || !ownership.is_at_least_as_new_as(&map.ownership) {
                return Ok(());
            }
        }
        let owners = ownership.owners();
        let opened = owners.iter().map(|address| self.node(address)).collect::<Result<Vec<_>, _>>()?;
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        if !map.ownership.has_the_same_owners_as(&ownership) {
            tracing::info!(owners = ?owners, "slot ownership has changed");
        }
        map.ownership = ownership;
        map.nodes.retain(|address, _| owners.contains(address) || self.seeds.contains(address));
        map.nodes.extend(opened.into_iter().map(|node| (node.address.clone(), node)));
        Ok(())
    }

    fn open(&self, address: Arc<str>, domain: &str, limits: Limits) -> Result<Arc<Node>, Error> {
        let reach_as = self.reach_as.get(&*address).map_or(&*address, String::as_str).to_owned();
        let password = self.password.as_ref().map(Secret::expose);
        // One failure domain per node, not per shard: after a failover the slots' new owner starts without a record.
        let breaker = self.breakers.breaker(domain, &policy(limits)?);
        let breaker = breaker.map_err(|error| Error::Unreachable(CLUSTER, error.to_string()))?;
        let name = self.names.name(&address);
        Node::open((address, name), &reach_as, password, limits, breaker, &self.engine)
    }
}

/// Sooner than the defaults, since a shard answers in microseconds or not at all, and its replica takes over within seconds.
/// What a busy shard answered until it hung counts against opening for as long as the window, and callers that wait for it
/// meanwhile take the places of others: with 2 s and half of the calls it took 1.1 s to be left alone and others lost half of
/// their throughput until then (`cargo ent prove shard-loss`).
fn policy(limits: Limits) -> Result<Policy, Error> {
    let slow_call_ms = u64::try_from(limits.response.as_millis()).unwrap_or(u64::MAX);
    let shares = Settings { failed_percent: 30, failed_or_slow_percent: 30, ..Settings::default() };
    let times = Settings { window_ms: 500, first_open_ms: 250, longest_open_ms: 1_000, ..shares };
    let probe_lease_ms = slow_call_ms.saturating_mul(2).max(1_000);
    Ok(Policy::try_new(Settings { minimum_calls: 10, slow_call_ms, probe_lease_ms, ..times })?)
}
