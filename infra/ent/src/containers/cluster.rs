//! Settles how six Valkey containers become one cluster.

use std::time::Duration;

use anyhow::{Context as _, Result};
use redis::cmd;

use crate::context::{Context, Progress};
use crate::engines::{self, Peer};
use crate::installation::secrets;
use crate::layout::write_file;

/// How long the nodes may take to answer.
const NODES_LIMIT: Duration = Duration::from_mins(1);
/// How long they may take to agree; after a restart of all of them they first read what they have.
const WHOLE_LIMIT: Duration = Duration::from_mins(1);
/// Remembers that the cluster was whole once: from then on nodes are never made anew.
const FORMED: &str = "config/valkey-formed";

pub(super) fn run(context: &Context) -> Result<()> {
    let mut step = context.ui.step("Valkey Cluster");
    let password = secrets::ensure(&context.layout.path("secrets/redis"))?;
    let peer = |address| Peer { address, bus: bus(address.port()), password: password.clone() };
    let nodes = context.topology.redis().map(peer);
    context.wait_for("the Valkey nodes to answer", NODES_LIMIT, || {
        let silent = nodes.iter().find_map(|node| node.connect().err());
        Ok(silent.map_or(Progress::Reached, |error| Progress::Waiting(format!("{error:#}"))))
    })?;
    let formed = context.layout.path(FORMED);
    if !formed.is_file() {
        step.detail("making one cluster of six nodes");
        nodes.iter().try_for_each(forget)?;
        engines::form(context, &nodes)?;
    }
    context
        .wait_for("the Valkey Cluster to be complete", WHOLE_LIMIT, || Ok(engines::readiness(&nodes)))
        .context("`docker compose logs valkey-1` and its siblings say more; demo data can be given up with `docker compose down --volumes`")?;
    write_file(&formed, "", 0o600)?;
    step.done("three primaries, three replicas");
    Ok(())
}

/// A cluster that was never finished begins from nothing.
fn forget(node: &Peer) -> Result<()> {
    let mut connection = node.connect()?;
    // A node that follows another one refuses; what it has goes with the reset.
    let _refused: redis::RedisResult<()> = cmd("FLUSHALL").query(&mut connection);
    let reset: redis::RedisResult<()> = cmd("CLUSTER").arg("RESET").arg("HARD").query(&mut connection);
    reset.with_context(|| format!("node {} cannot be made anew", node.address))
}

/// Where a node talks to the others, as Valkey has it where nothing else is said.
pub(super) fn bus(port: u16) -> u16 {
    port + 10_000
}
