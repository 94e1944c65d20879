//! Settles which services there are, where their instances listen, and how they are started.

mod build;
mod config;
#[cfg(test)]
mod migrations;
mod projections;
mod run;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

pub(crate) use build::{Binaries, build, build_example, build_programs, cargo};
pub(crate) use config::{config_path, write_configs};
pub(crate) use projections::wait_for_projections;
pub(crate) use run::{migrate, seed};

use crate::layout::Layout;
use crate::process::Launch;

/// The services, each after those it asks.
pub(crate) const SERVICES: [&str; 3] = ["auth", "courses", "messaging"];

/// One running copy of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instance {
    /// The service's name.
    pub(crate) service: &'static str,
    /// From 1.
    pub(crate) number: u16,
}

impl Instance {
    /// All instances of all services.
    pub(crate) fn all(instances: u16) -> Vec<Self> {
        let of = |service| (1..=instances).map(move |number| Self { service, number });
        SERVICES.into_iter().flat_map(of).collect()
    }

    /// As logs and the front door call it.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.service, self.number)
    }

    /// Where HAProxy reaches it: 181xx, 182xx, 183xx.
    pub(crate) fn public_address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 18000 + self.offset()).into()
    }

    /// Where siblings and monitoring reach it: 191xx, 192xx, 193xx.
    pub(crate) fn internal_address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 19000 + self.offset()).into()
    }

    fn offset(&self) -> u16 {
        let place = SERVICES.iter().position(|service| *service == self.service).unwrap_or_default();
        u16::try_from(place + 1).unwrap_or_default() * 100 + self.number
    }

    /// How it is started.
    pub(crate) fn launch(&self, layout: &Layout, binaries: &Binaries) -> Launch {
        Launch {
            program: binaries.path(self.service),
            arguments: vec!["--config".into(), config_path(layout, self).into_os_string(), "serve".into()],
            environment: Vec::new(),
            folder: layout.root.clone(),
            log: layout.log(&self.name()),
            run_as: None,
            death_signal: "TERM",
        }
    }
}

/// Ports of all instances, public and internal.
pub(crate) fn ports(instances: u16) -> Vec<u16> {
    let all = Instance::all(instances);
    all.iter().flat_map(|one| [one.public_address().port(), one.internal_address().port()]).collect()
}

/// Where a service's API description is committed.
pub(crate) fn openapi_path(layout: &Layout, service: &str) -> PathBuf {
    layout.root.join("services").join(service).join("openapi.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_follow_the_plan() {
        let all = Instance::all(2);
        assert_eq!(all.len(), 6);
        let courses_2 = Instance { service: "courses", number: 2 };
        assert!(all.contains(&courses_2));
        assert_eq!(courses_2.public_address().to_string(), "127.0.0.1:18202");
        assert_eq!(courses_2.internal_address().to_string(), "127.0.0.1:19202");
        assert_eq!(courses_2.name(), "courses-2");
    }
}
