//! Settles which network paths can be broken, and on which ports their proxies stand.

use std::net::{Ipv4Addr, SocketAddr};

use crate::ports;
use crate::services::{Instance, SERVICES};

/// The way from one service to PostgreSQL or to a sibling; all instances of the service share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    from: &'static str,
    to: &'static str,
}

/// One proxy of a path: a path to a service has one for each instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    /// Where the proxy listens.
    pub(super) listens: SocketAddr,
    /// Where it leads.
    pub(super) target: SocketAddr,
}

impl Path {
    /// A service's way to its database.
    pub(crate) fn to_postgres(service: &'static str) -> Self {
        Self { from: service, to: "postgres" }
    }

    /// A service's way to a sibling.
    pub(crate) fn to_sibling(service: &'static str, sibling: &'static str) -> Self {
        Self { from: service, to: sibling }
    }

    /// Every path: to PostgreSQL, and to the services before it.
    pub(super) fn all() -> Vec<Self> {
        let of = |from: &'static str| {
            let earlier = SERVICES.into_iter().take_while(move |to| *to != from);
            let siblings = earlier.map(move |to| Self::to_sibling(from, to));
            std::iter::once(Self::to_postgres(from)).chain(siblings)
        };
        SERVICES.into_iter().flat_map(of).collect()
    }

    /// As it is called on the command line.
    pub(super) fn name(self) -> String {
        format!("{}->{}", self.from, self.to)
    }

    /// Where the path's proxy to PostgreSQL (number 0), or to an instance, listens: 16FTN, by the places of both ends
    /// among the services (PostgreSQL 0) and the instance's number.
    pub(crate) fn address(self, number: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 16000 + place(self.from) * 100 + place(self.to) * 10 + number).into()
    }

    /// Its proxies.
    pub(super) fn hops(self, instances: u16) -> Vec<Hop> {
        let Some(service) = SERVICES.into_iter().find(|service| *service == self.to) else {
            let target = (Ipv4Addr::LOCALHOST, ports::DEMO.postgres).into();
            return vec![Hop { listens: self.address(0), target }];
        };
        let hop = |number| Hop {
            listens: self.address(number),
            target: Instance { service, number }.internal_address(),
        };
        (1..=instances).map(hop).collect()
    }
}

/// Ports of all proxies.
pub(crate) fn ports(instances: u16) -> Vec<u16> {
    let hops = Path::all().into_iter().flat_map(|path| path.hops(instances));
    hops.map(|hop| hop.listens.port()).collect()
}

/// `auth:postgres` is `auth->postgres` without what a shell takes for itself.
pub(crate) fn canonical(name: &str) -> String {
    if name.contains("->") { name.to_owned() } else { name.replacen(':', "->", 1) }
}

/// From 1 in the order of the services; 0 for PostgreSQL.
fn place(name: &str) -> u16 {
    let found = SERVICES.iter().position(|service| *service == name);
    found.and_then(|index| u16::try_from(index + 1).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ports::MAX_INSTANCES;
    use crate::services;

    #[test]
    fn every_proxy_has_a_port_of_its_own() {
        let proxies = ports(MAX_INSTANCES);
        let distinct: BTreeSet<u16> = proxies.iter().copied().collect();
        assert_eq!(distinct.len(), proxies.len());
        let taken: BTreeSet<u16> =
            crate::ports::DEMO.all().into_iter().chain(services::ports(MAX_INSTANCES)).collect();
        assert!(distinct.is_disjoint(&taken));
    }

    #[test]
    fn a_path_leads_where_its_name_says() {
        let names: Vec<String> = Path::all().into_iter().map(Path::name).collect();
        assert!(
            names.contains(&"auth->postgres".to_owned()) && names.contains(&"messaging->courses".to_owned())
        );
        assert_eq!(names.len(), 6);
        let hops = Path::to_sibling("messaging", "courses").hops(2);
        let targets: Vec<String> = hops.iter().map(|hop| hop.target.to_string()).collect();
        assert_eq!(targets, ["127.0.0.1:19201", "127.0.0.1:19202"]);
        assert_eq!(Path::to_postgres("auth").hops(2).len(), 1);
        assert_eq!(canonical("auth:postgres"), "auth->postgres");
    }
}
