//! Settles which Redis node owns a key now, by asking the cluster itself.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use redis::cmd;

use super::redis::connect;
use crate::ports;

/// The port of the primary that owns `key`; without a key that of the first primary in the order of slots.
pub(crate) fn primary(password: &str, key: Option<&str>) -> Result<u16> {
    let slot = match key {
        Some(key) => cmd("CLUSTER").arg("KEYSLOT").arg(key).query(&mut any_node(password)?)?,
        None => 0,
    };
    primary_of_slot(password, slot)
}

/// The port of the primary that owns a slot.
pub(crate) fn primary_of_slot(password: &str, slot: u16) -> Result<u16> {
    let nodes: String = cmd("CLUSTER").arg("NODES").query(&mut any_node(password)?)?;
    owner(&nodes, slot).with_context(|| format!("no primary owns slot {slot} just now"))
}

fn any_node(password: &str) -> Result<redis::Connection> {
    let mut ports = ports::DEMO.redis().into_iter();
    ports
        .find_map(|port| connect((Ipv4Addr::LOCALHOST, port).into(), password).ok())
        .context("no Redis node answers")
}

/// `CLUSTER NODES`: id, address, flags, primary, ping, pong, epoch, link, then the slots.
fn owner(nodes: &str, slot: u16) -> Option<u16> {
    nodes.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let address = fields.nth(1)?;
        if !fields.next()?.split(',').any(|flag| flag == "master") {
            return None;
        }
        let owns = |range: &str| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some(first.parse::<u16>().ok()? <= slot && slot <= last.parse::<u16>().ok()?)
        };
        let is_owner = fields.skip(5).any(|range| owns(range) == Some(true));
        let port = address.split('@').next()?.rsplit(':').next()?;
        port.parse().ok().filter(|_| is_owner)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_the_primary_whose_ranges_hold_the_slot() {
        let nodes = "a 127.0.0.1:17004@17104 slave b 0 1 4 connected\n\
                     b 127.0.0.1:17001@17101 myself,master - 0 0 1 connected 0-5460 9000\n\
                     c 127.0.0.1:17002@17102 master - 0 1 2 connected 5461-8999 [77->-d]\n";
        assert_eq!(owner(nodes, 0), Some(17001));
        assert_eq!(owner(nodes, 9000), Some(17001));
        assert_eq!(owner(nodes, 5461), Some(17002));
        assert_eq!(owner(nodes, 16383), None);
    }
}
