//! Settles where the parts of an installation are reached: all on loopback, or each under its name in a network of containers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};

use crate::ports;
use crate::services::Instance;

/// In containers: the first three numbers of their network, such as `10.83.83`. Without the prefix of what is configuration to
/// services.
const NETWORK: &str = "CARGO_ENT_NETWORK";
/// The last number of addresses that `infra/compose.yaml` pins.
const FRONT_DOOR: u8 = 10;
const FIRST_VALKEY: u8 = 21;
/// Where each service listens in its container.
const PUBLIC: u16 = 18_000;
const INTERNAL: u16 = 19_000;

/// How the parts of an installation find each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Topology {
    /// On 127.0.0.1, told apart by ports: `cargo ent up`.
    Loopback,
    /// A container each, in this network: `docker compose up`.
    Containers([u8; 3]),
}

impl Topology {
    /// As the environment says.
    pub(crate) fn find() -> Result<Self> {
        let Some(network) = std::env::var_os(NETWORK) else { return Ok(Self::Loopback) };
        let network = network.to_string_lossy().into_owned();
        let address: Option<Ipv4Addr> = format!("{network}.0").parse().ok();
        let [a, b, c, _] =
            address.with_context(|| format!("{NETWORK}={network}: not like `10.83.83`"))?.octets();
        Ok(Self::Containers([a, b, c]))
    }

    /// Whether each part has a container of its own.
    pub(crate) fn is_containers(&self) -> bool {
        match self {
            Self::Loopback => false,
            Self::Containers(_) => true,
        }
    }

    /// How people call this program.
    pub(crate) fn command(&self) -> &'static str {
        match self {
            Self::Loopback => "cargo ent",
            Self::Containers(_) => "docker compose run --rm ent",
        }
    }

    /// How people get the certificate of the authority that the front door's is signed with.
    pub(crate) fn authority(&self) -> &'static str {
        match self {
            Self::Loopback => ".ent/tls/ca.crt",
            Self::Containers(_) => "`docker compose cp haproxy:/ent/tls/ca.crt .`",
        }
    }

    /// Where an instance listens for the front door.
    pub(crate) fn public_bind(&self, instance: &Instance) -> SocketAddr {
        match self {
            Self::Loopback => instance.public_address(),
            Self::Containers(_) => (Ipv4Addr::UNSPECIFIED, PUBLIC).into(),
        }
    }

    /// Where an instance listens for siblings and monitoring.
    pub(crate) fn internal_bind(&self, instance: &Instance) -> SocketAddr {
        match self {
            Self::Loopback => instance.internal_address(),
            Self::Containers(_) => (Ipv4Addr::UNSPECIFIED, INTERNAL).into(),
        }
    }

    /// Host and port at which the front door reaches a service: in containers one name for all its instances.
    pub(crate) fn public_host(&self, instance: &Instance) -> String {
        match self {
            Self::Loopback => instance.public_address().to_string(),
            Self::Containers(_) => format!("{}:{PUBLIC}", instance.service),
        }
    }

    /// Host and port at which siblings and monitoring reach a service.
    pub(crate) fn internal_host(&self, instance: &Instance) -> String {
        match self {
            Self::Loopback => instance.internal_address().to_string(),
            Self::Containers(_) => format!("{}:{INTERNAL}", instance.service),
        }
    }

    /// Host and port of PostgreSQL.
    pub(crate) fn postgres(&self) -> (&'static str, u16) {
        match self {
            Self::Loopback => ("127.0.0.1", ports::DEMO.postgres),
            Self::Containers(_) => ("postgres", 5432),
        }
    }

    /// The six nodes of the cluster.
    pub(crate) fn redis(&self) -> [SocketAddr; 6] {
        match self {
            Self::Loopback => ports::DEMO.redis().map(|port| (Ipv4Addr::LOCALHOST, port).into()),
            Self::Containers(network) => std::array::from_fn(|index| {
                let last = FIRST_VALKEY + u8::try_from(index).unwrap_or(0);
                (at(*network, last), 6379).into()
            }),
        }
    }

    /// From where requests of the front door come.
    pub(crate) fn front_door(&self) -> IpAddr {
        match self {
            Self::Loopback => Ipv4Addr::LOCALHOST.into(),
            Self::Containers(network) => at(*network, FRONT_DOOR),
        }
    }
}

fn at([a, b, c]: [u8; 3], last: u8) -> IpAddr {
    Ipv4Addr::new(a, b, c, last).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_reached_by_name_and_pinned_address() {
        let (containers, courses) =
            (Topology::Containers([10, 83, 83]), Instance { service: "courses", number: 1 });
        assert_eq!(containers.internal_host(&courses), "courses:19000");
        assert_eq!(containers.public_bind(&courses).to_string(), "0.0.0.0:18000");
        assert_eq!(containers.redis().map(|node| node.to_string())[5], "10.83.83.26:6379");
        assert_eq!(containers.front_door().to_string(), "10.83.83.10");
        assert_eq!(Topology::Loopback.redis()[0].to_string(), "127.0.0.1:17001");
    }
}
