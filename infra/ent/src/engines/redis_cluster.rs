//! Settles how six Redis nodes become one cluster, and when that cluster is ready.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use redis::{Connection, cmd};

use super::{NODE_COUNT, Peer};
use crate::context::{Context, Progress};

/// The hash slots of a Redis Cluster.
const SLOTS: u16 = 16384;
/// The slots of the three primaries, as first and last.
const SHARES: [(u16, u16); 3] = [(0, 5460), (5461, 10922), (10923, SLOTS - 1)];
/// The first slot of each share: whoever owns it is the primary of that shard.
pub(crate) const FIRST_SLOTS: [u16; 3] = [SHARES[0].0, SHARES[1].0, SHARES[2].0];
/// How long the nodes may take to learn of each other.
const MEET_LIMIT: Duration = Duration::from_secs(20);

/// Makes fresh nodes into a cluster: the first three own the slots, the others replicate them.
pub(crate) fn form(context: &Context, nodes: &[Peer]) -> Result<()> {
    let mut connections = nodes.iter().map(Peer::connect).collect::<Result<Vec<Connection>>>()?;
    ensure!(connections.len() == NODE_COUNT, "a cluster has {NODE_COUNT} nodes");
    for (epoch, connection) in connections.iter_mut().enumerate() {
        // Different epochs from the start spare the nodes a round of settling who came first.
        ask(connection, &["SET-CONFIG-EPOCH", &(epoch + 1).to_string()])?;
    }
    for (connection, (first, last)) in connections.iter_mut().zip(SHARES) {
        ask(connection, &["ADDSLOTSRANGE", &first.to_string(), &last.to_string()])?;
    }
    if let Some(first) = connections.first_mut() {
        for Peer { address, bus, .. } in nodes.iter().skip(1) {
            let (host, port) = (address.ip().to_string(), address.port().to_string());
            ask(first, &["MEET", &host, &port, &bus.to_string()])?;
        }
    }
    context.wait_for("the Redis nodes to meet", MEET_LIMIT, || {
        for (connection, node) in connections.iter_mut().zip(nodes) {
            let known = info_field(&ask(connection, &["INFO"])?, "cluster_known_nodes");
            if known != Some(NODE_COUNT.to_string()) {
                return Ok(Progress::Waiting(format!(
                    "node {} knows {} nodes",
                    node.address,
                    known.unwrap_or_default()
                )));
            }
        }
        Ok(Progress::Reached)
    })?;
    let (primaries, replicas) = connections.split_at_mut(SHARES.len());
    for (primary, replica) in primaries.iter_mut().zip(replicas) {
        let id = ask(primary, &["MYID"])?;
        replicate(context, replica, &id)?;
    }
    Ok(())
}

/// The replica may not have heard of its primary by name yet: then it refuses, and is asked again.
fn replicate(context: &Context, replica: &mut Connection, primary: &str) -> Result<()> {
    context.wait_for("a replica to accept its primary", MEET_LIMIT, || {
        Ok(match ask(replica, &["REPLICATE", primary]) {
            Ok(_) => Progress::Reached,
            Err(error) => Progress::Waiting(format!("{error:#}")),
        })
    })
}

/// Whether every node sees the whole cluster and every replica follows its primary.
pub(crate) fn readiness(nodes: &[Peer]) -> Progress {
    for node in nodes {
        if let Err(reason) = node_is_ready(node, true) {
            return Progress::Waiting(format!("node {}: {reason:#}", node.address));
        }
    }
    Progress::Reached
}

/// Whether this one node takes part in a cluster that owns all its slots.
pub(crate) fn is_formed(node: &Peer) -> Result<()> {
    node_is_ready(node, false)
}

fn node_is_ready(node: &Peer, is_complete: bool) -> Result<()> {
    let mut connection = node.connect()?;
    let info = ask(&mut connection, &["INFO"])?;
    expect(&info, "cluster_state", "ok")?;
    let replication: String = cmd("INFO").arg("replication").query(&mut connection)?;
    if info_field(&replication, "role").as_deref() == Some("slave") {
        expect(&replication, "master_link_status", "up")?;
    }
    if is_complete {
        expect(&info, "cluster_slots_ok", &SLOTS.to_string())?;
        expect(&info, "cluster_known_nodes", &NODE_COUNT.to_string())?;
    }
    Ok(())
}

fn ask(connection: &mut Connection, arguments: &[&str]) -> Result<String> {
    let answer = cmd("CLUSTER").arg(arguments).query(connection);
    answer.with_context(|| format!("CLUSTER {} was refused", arguments.join(" ")))
}

fn expect(info: &str, field: &str, wanted: &str) -> Result<()> {
    let found = info_field(info, field).unwrap_or_else(|| "missing".to_owned());
    ensure!(found == wanted, "{field} is {found}, not {wanted}");
    Ok(())
}

fn info_field(info: &str, field: &str) -> Option<String> {
    let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    Some(value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_cover_all_slots_once() {
        let mut next = 0;
        for (first, last) in SHARES {
            assert_eq!(first, next);
            next = last + 1;
        }
        assert_eq!(next, SLOTS);
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let info = "cluster_state:ok\r\ncluster_slots_ok:16384\r\n";
        assert_eq!(info_field(info, "cluster_slots_ok").as_deref(), Some("16384"));
        assert_eq!(info_field(info, "cluster_slots"), None);
        let error = expect(info, "cluster_state", "fail").unwrap_err();
        assert_eq!(error.to_string(), "cluster_state is ok, not fail");
    }
}
