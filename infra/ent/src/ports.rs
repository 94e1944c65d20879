//! Settles every port of the backend and of the test engines, and who holds one that should be free.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};

use crate::process;

/// Where people arrive (HTTPS).
pub(crate) const HTTPS: u16 = 8443;
/// Only redirects to HTTPS.
pub(crate) const HTTP: u16 = 8080;
/// Where the front door tells its figures.
pub(crate) const FRONT_DOOR_FIGURES: u16 = 8405;
/// The most instances of one service: their ports end in two digits.
pub(crate) const MAX_INSTANCES: u16 = 9;

/// The ports of one set of engines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EnginePorts {
    /// PostgreSQL.
    pub(crate) postgres: u16,
    /// The first of six Redis nodes; the others follow.
    pub(crate) redis_first: u16,
}

/// The engines of `ent up`.
pub(crate) const DEMO: EnginePorts = EnginePorts { postgres: 15432, redis_first: 17001 };
/// The engines of `ent test`.
pub(crate) const TEST: EnginePorts = EnginePorts { postgres: 25432, redis_first: 27001 };

impl EnginePorts {
    /// The six Redis nodes' client ports.
    pub(crate) fn redis(self) -> [u16; 6] {
        std::array::from_fn(|index| self.redis_first + u16::try_from(index).unwrap_or(0))
    }

    /// All ports these engines listen on.
    pub(crate) fn all(self) -> Vec<u16> {
        let redis = self.redis();
        let buses = redis.map(redis_bus);
        [self.postgres].into_iter().chain(redis).chain(buses).collect()
    }
}

/// The port on which a Redis node talks to the others.
pub(crate) fn redis_bus(port: u16) -> u16 {
    port + 100
}

/// Fails naming the first port that somebody else holds.
pub(crate) fn require_free(ports: &[u16]) -> Result<()> {
    for &port in ports {
        let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) else { continue };
        if error.kind() != std::io::ErrorKind::AddrInUse {
            bail!("cannot listen on 127.0.0.1:{port}: {error}");
        }
        let holder = process::port_holder(port).unwrap_or_else(|| "another process".to_owned());
        bail!("port {port} is taken by {holder}; stop it, then try again");
    }
    Ok(())
}

/// Whether nobody listens on the port.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_its_holder() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let message = require_free(&[port]).unwrap_err().to_string();
        assert!(message.contains(&format!("port {port}")), "{message}");
        assert!(message.contains(&format!("pid {}", std::process::id())), "{message}");
    }

    #[test]
    fn the_two_sets_of_engines_do_not_overlap() {
        let demo = DEMO.all();
        assert_eq!(demo.len(), 13);
        assert!(TEST.all().iter().all(|port| !demo.contains(port)));
    }
}
