//! Settles what is made before any other container starts: secrets, keys, certificates and settings, of which each container is given only its own.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::cluster::bus;
use super::volumes::{Volume, own};
use crate::context::Context;
use crate::engines::{self, Place};
use crate::installation::{checkpoints, keys, secrets, tls};
use crate::layout::{Layout, make_dir, write_file};
use crate::services::{self, Instance, SERVICES};
use crate::topology::Topology;

/// Connections for so many instances of each service: `docker compose up --scale courses=3`.
const MOST_INSTANCES: u16 = 3;
/// The most that one node holds.
const VALKEY_MEMORY: &str = "96mb";

pub(super) fn run(context: &Context) -> Result<()> {
    let layout = &context.layout;
    layout.make_folders()?;
    for name in ["redis", "postgres-superuser"] {
        secrets::ensure(&layout.path("secrets").join(name))?;
    }
    for service in SERVICES {
        secrets::ensure(&layout.path(format!("secrets/postgres-{service}")))?;
        make_dir(&checkpoints::folder(layout, service), 0o700)?;
    }
    keys::ensure(layout, &SERVICES)?;
    tls::ensure(layout)?;
    services::write_configs(layout, &context.topology, &super::options(context)?)?;
    write_settings(layout, &context.topology)?;
    SERVICES.into_iter().try_for_each(|service| give_service(layout, service))?;
    give_engines(layout)?;
    own(&layout.data, Volume::OPERATOR)?;
    context.ui.line("Every container has its keys, secrets and settings.");
    Ok(())
}

/// The settings of PostgreSQL, of each Valkey node and of the front door.
fn write_settings(layout: &Layout, topology: &Topology) -> Result<()> {
    let settings = engines::postgres_settings("*", 5432, engines::postgres_connections(MOST_INSTANCES));
    let lines = settings.into_iter().map(|(name, value)| format!("{name} = '{value}'\n"));
    write_file(&layout.path("config/postgresql.conf"), lines.collect::<String>(), 0o600)?;
    let password = secrets::ensure(&layout.path("secrets/redis"))?;
    for (number, address) in (1..).zip(topology.redis()) {
        write_file(&valkey_settings(layout, number), valkey(address.ip(), &password), 0o600)?;
    }
    let instances = SERVICES.map(|service| (service, topology.public_host(&Instance { service, number: 1 })));
    write_file(&layout.path("config/haproxy-servers.cfg"), engines::found_by_name(&instances), 0o600)
}

fn valkey_settings(layout: &Layout, number: u16) -> PathBuf {
    layout.path(format!("config/valkey-{number}.conf"))
}

fn valkey(announced: IpAddr, password: &str) -> String {
    let (port, folder) = (6379, Path::new("/data"));
    engines::redis_settings(&Place {
        listens: "*",
        port,
        bus: bus(port),
        announces: Some(announced),
        folder,
        max_memory: VALKEY_MEMORY,
        password,
    })
}

/// A service gets the files that its configuration names, and no other.
fn give_service(layout: &Layout, service: &'static str) -> Result<()> {
    let volume = Volume::of(service, Volume::OPERATOR);
    let config = services::config_path(layout, &Instance { service, number: 1 });
    let text = std::fs::read_to_string(&config)?;
    volume.copy(layout, &config)?;
    for file in files_named(&toml::from_str(&text)?) {
        if file.is_file() && file.starts_with(&layout.data) {
            volume.copy(layout, &file)?;
        }
    }
    // What the service itself writes has volumes of its own, at these places.
    for folder in ["audit", "cache", "calendar"] {
        volume.make_folder(folder)?;
    }
    Volume::of(&format!("{service}-audit"), Volume::OPERATOR).make_folder(service)?;
    Volume::of(&format!("{service}-cache"), Volume::OPERATOR).make_folder(".")
}

fn give_engines(layout: &Layout) -> Result<()> {
    let postgres = Volume::of("postgres", Volume::POSTGRES);
    postgres.copy(layout, &layout.path("secrets/postgres-superuser"))?;
    postgres.copy(layout, &layout.path("config/postgresql.conf"))?;
    Volume::of("postgres-data", Volume::POSTGRES).make_folder(".")?;
    let valkey = Volume::of("valkey", Volume::VALKEY);
    valkey.copy(layout, &layout.path("secrets/redis"))?;
    for number in 1..=u16::try_from(engines::NODE_COUNT)? {
        valkey.copy(layout, &valkey_settings(layout, number))?;
        Volume::of(&format!("valkey-{number}-data"), Volume::VALKEY).make_folder(".")?;
    }
    let haproxy = Volume::of("haproxy", Volume::OPERATOR);
    for file in ["config/haproxy-servers.cfg", "tls/front-door.pem", "tls/ca.crt"] {
        haproxy.copy(layout, &layout.path(file))?;
    }
    Volume::of("prometheus-data", Volume::NOBODY).make_folder(".")?;
    Volume::of("calendar", Volume::OPERATOR).make_folder(".")?;
    Volume::of("reports", Volume::OPERATOR).open_to_all()
}

/// Every absolute path in a configuration.
fn files_named(value: &toml::Value) -> Vec<PathBuf> {
    match value {
        toml::Value::String(text) if text.starts_with('/') => vec![PathBuf::from(text)],
        toml::Value::Array(values) => values.iter().flat_map(files_named).collect(),
        toml::Value::Table(table) => table.values().flat_map(files_named).collect(),
        toml::Value::String(_)
        | toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_configuration_are_found_wherever_they_are_named() {
        let text = "profile = \"demo\"\n[own.evidence]\nfiles = [\"/ent/a\", \"/ent/b\"]\n[redis]\npassword_file = \"/ent/c\"\n";
        let found = files_named(&toml::from_str(text).unwrap());
        assert_eq!(found, ["/ent/a", "/ent/b", "/ent/c"].map(PathBuf::from));
    }

    #[test]
    fn a_node_tells_others_its_pinned_address() {
        let text = valkey("10.83.83.21".parse().unwrap(), "abc");
        for line in ["bind *", "cluster-announce-ip 10.83.83.21", "cluster-port 16379", "maxmemory 96mb"] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }
}
