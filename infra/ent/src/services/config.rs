//! Settles what each instance's configuration file says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::{Instance, SERVICES};
use crate::faults::Path;
use crate::installation::{calendar, checkpoints, keys};
use crate::layout::{Layout, write_file};
use crate::ports;
use crate::supervisor::Options;
use crate::topology::Topology;

/// Where an instance's configuration lies.
pub(crate) fn config_path(layout: &Layout, instance: &Instance) -> PathBuf {
    layout.path("config").join(format!("{}.toml", instance.name()))
}

/// Writes the configuration of every instance.
pub(crate) fn write_configs(layout: &Layout, topology: &Topology, options: &Options) -> Result<()> {
    for instance in Instance::all(options.instances) {
        let text = toml::to_string(&configuration(layout, topology, &instance, options));
        let text = text.with_context(|| format!("cannot write the configuration of {}", instance.name()))?;
        let header = "# Settles how this instance runs; written anew at each start.\n";
        write_file(&config_path(layout, &instance), format!("{header}{text}"), 0o600)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Configuration {
    profile: &'static str,
    /// In containers each instance takes its container's.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    clock_ahead_file: PathBuf,
    http: Http,
    postgres: Postgres,
    redis: Redis,
    telemetry: Telemetry,
    service_identity: ServiceIdentity,
    audit: Audit,
    own: Own,
}

#[derive(Serialize)]
struct Audit {
    checkpoint_dir: PathBuf,
    signing_key_file: PathBuf,
}

#[derive(Serialize)]
struct Own {
    access_tokens: BTreeMap<&'static str, PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_in: Option<SignIn>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    authenticators: BTreeMap<&'static str, PathBuf>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    siblings: BTreeMap<&'static str, Vec<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    evidence: BTreeMap<&'static str, Vec<PathBuf>>,
}

#[derive(Serialize)]
struct SignIn {
    hash_threads: usize,
    hash_share: f64,
}

/// Databases, front door and load share the machine with auth, and those who are signed in want an answer at once. With this
/// share a machine of two cores checks about 35 passwords a second in a fifth of what it can do.
const HASH_SHARE: f64 = 0.4;

#[derive(Serialize)]
struct Http {
    public_address: SocketAddr,
    internal_address: SocketAddr,
    workers: usize,
    origins: Vec<String>,
    trusted_proxies: Vec<String>,
    front_door_certificate: PathBuf,
}

#[derive(Serialize)]
struct Postgres {
    host: &'static str,
    port: u16,
    database: &'static str,
    user: &'static str,
    password_file: PathBuf,
}

#[derive(Serialize)]
struct Redis {
    nodes: Vec<String>,
    password_file: PathBuf,
}

#[derive(Serialize)]
struct Telemetry {
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    otlp_endpoint: Option<String>,
}

#[derive(Serialize)]
struct ServiceIdentity {
    key_file: PathBuf,
    trusted: BTreeMap<&'static str, PathBuf>,
}

fn configuration(
    layout: &Layout,
    topology: &Topology,
    instance: &Instance,
    options: &Options,
) -> Configuration {
    let service = instance.service;
    let (postgres_host, postgres_port) = topology.postgres();
    let others = SERVICES.into_iter().filter(|other| *other != service);
    Configuration {
        profile: "demo",
        instance: (!topology.is_containers()).then(|| instance.name()),
        clock_ahead_file: calendar::file(layout),
        http: Http {
            public_address: topology.public_bind(instance),
            internal_address: topology.internal_bind(instance),
            workers: 1,
            origins: ["localhost", "127.0.0.1"]
                .map(|host| format!("https://{host}:{}", ports::HTTPS))
                .to_vec(),
            trusted_proxies: vec![format!("{}/32", topology.front_door())],
            front_door_certificate: layout.path("tls/front-door.crt"),
        },
        postgres: Postgres {
            host: postgres_host,
            port: if options.faults { Path::to_postgres(service).address(0).port() } else { postgres_port },
            database: service,
            user: service,
            password_file: layout.path(format!("secrets/postgres-{service}")),
        },
        redis: Redis {
            nodes: topology.redis().map(|node| node.to_string()).to_vec(),
            password_file: layout.path("secrets/redis"),
        },
        telemetry: Telemetry { level: "info", otlp_endpoint: options.otlp.clone() },
        service_identity: ServiceIdentity {
            key_file: keys::service_private(layout, service),
            trusted: others.map(|other| (other, keys::service_public(layout, other))).collect(),
        },
        audit: Audit {
            checkpoint_dir: checkpoints::folder(layout, service),
            signing_key_file: keys::audit_private(layout, service),
        },
        own: Own {
            access_tokens: access_tokens(layout, instance),
            sign_in: (service == "auth")
                .then(|| SignIn { hash_threads: hash_threads(options.instances), hash_share: HASH_SHARE }),
            authenticators: authenticators(layout, service),
            siblings: siblings(service, topology, options),
            evidence: evidence(layout, service),
        },
    }
}

/// Half of the cores may check passwords. At least one thread per instance.
fn hash_threads(instances: u16) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (cores / 2 / usize::from(instances)).max(1)
}

/// auth signs; the others keep copies of its public keys and of what it revoked, each instance its own.
fn access_tokens(layout: &Layout, instance: &Instance) -> BTreeMap<&'static str, PathBuf> {
    if instance.service == "auth" {
        return BTreeMap::from([
            ("signing_key_file", keys::access_token(layout)),
            ("refresh_key_file", keys::refresh_handle(layout)),
        ]);
    }
    let cache = |what: &str| layout.path("cache").join(format!("{}.{what}.json", instance.name()));
    BTreeMap::from([("jwks_cache_file", cache("jwks")), ("revocations_cache_file", cache("revocations"))])
}

/// Only auth knows one-time codes.
fn authenticators(layout: &Layout, service: &str) -> BTreeMap<&'static str, PathBuf> {
    let key = (service == "auth").then(|| ("key_file", keys::authenticators(layout)));
    key.into_iter().collect()
}

/// Only messaging seals messages, for two persons.
fn evidence(layout: &Layout, service: &str) -> BTreeMap<&'static str, Vec<PathBuf>> {
    let files = || keys::READERS.map(|reader| keys::reader_public(layout, reader)).to_vec();
    (service == "messaging").then(|| ("reader_key_files", files())).into_iter().collect()
}

/// Whom a service asks: only services before it, at the internal addresses of all their instances, or at the
/// proxies before them.
fn siblings(
    service: &'static str,
    topology: &Topology,
    options: &Options,
) -> BTreeMap<&'static str, Vec<String>> {
    let earlier = SERVICES.into_iter().take_while(|other| *other != service);
    let addresses = |of: &'static str| {
        let address = move |number| {
            let path = Path::to_sibling(service, of);
            if options.faults {
                path.address(number).to_string()
            } else {
                topology.internal_host(&Instance { service: of, number })
            }
        };
        (1..=options.instances).map(address).map(|address| format!("http://{address}")).collect()
    };
    earlier.map(|other| (other, addresses(other))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Scale;
    use crate::supervisor::Dataset;

    fn rendered(service: &'static str) -> toml::Table {
        rendered_with(service, false)
    }

    fn rendered_with(service: &'static str, faults: bool) -> toml::Table {
        rendered_on(&Topology::Loopback, service, faults)
    }

    fn rendered_on(topology: &Topology, service: &'static str, faults: bool) -> toml::Table {
        let layout = Layout { root: "/w \"x".into(), data: "/w \"x/.ent".into() };
        let instance = Instance { service, number: 2 };
        let dataset = Dataset { scale: Scale::Small, seed: 1, is_complete: true };
        let otlp = Some("http://127.0.0.1:4318".to_owned());
        let options = Options { instances: 2, dataset, otlp, faults, only_engines: false };
        toml::to_string(&configuration(&layout, topology, &instance, &options)).unwrap().parse().unwrap()
    }

    #[test]
    fn a_configuration_reads_back_as_toml() {
        let table = rendered("messaging");
        assert_eq!(table["http"]["public_address"].as_str(), Some("127.0.0.1:18302"));
        assert_eq!(
            table["postgres"]["password_file"].as_str(),
            Some("/w \"x/.ent/secrets/postgres-messaging")
        );
        assert_eq!(table["redis"]["nodes"].as_array().unwrap().len(), 6);
        assert_eq!(table["own"]["siblings"]["auth"][1].as_str(), Some("http://127.0.0.1:19102"));
        assert_eq!(table["own"]["siblings"]["courses"].as_array().unwrap().len(), 2);
        assert_eq!(table["telemetry"]["otlp_endpoint"].as_str(), Some("http://127.0.0.1:4318"));
        assert!(table["own"]["access_tokens"].get("signing_key_file").is_none());
        assert_eq!(table["own"]["evidence"]["reader_key_files"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn each_service_signs_its_audit_log_with_a_key_for_nothing_else() {
        let table = rendered("courses");
        assert_eq!(table["audit"]["checkpoint_dir"].as_str(), Some("/w \"x/.ent/audit/courses"));
        assert_ne!(table["audit"]["signing_key_file"], table["service_identity"]["key_file"]);
    }

    #[test]
    fn only_with_faults_do_proxies_stand_in_the_paths() {
        let (direct, by_proxy) = (rendered("messaging"), rendered_with("messaging", true));
        assert_eq!(direct["postgres"]["port"].as_integer(), Some(15432));
        assert_eq!(by_proxy["postgres"]["port"].as_integer(), Some(16300));
        assert_eq!(by_proxy["own"]["siblings"]["courses"][1].as_str(), Some("http://127.0.0.1:16322"));
    }

    #[test]
    fn in_containers_services_go_by_their_names() {
        let table = rendered_on(&Topology::Containers([10, 83, 83]), "messaging", false);
        assert!(table.get("instance").is_none());
        assert_eq!(table["http"]["public_address"].as_str(), Some("0.0.0.0:18000"));
        assert_eq!(table["http"]["trusted_proxies"][0].as_str(), Some("10.83.83.10/32"));
        assert_eq!(table["postgres"]["host"].as_str(), Some("postgres"));
        assert_eq!(table["redis"]["nodes"][5].as_str(), Some("10.83.83.26:6379"));
        assert_eq!(table["own"]["siblings"]["auth"][0].as_str(), Some("http://auth:19000"));
    }

    #[test]
    fn only_auth_signs_and_it_asks_nobody() {
        let table = rendered("auth");
        assert!(table["own"]["access_tokens"].get("signing_key_file").is_some());
        assert!(table["own"]["authenticators"].get("key_file").is_some());
        assert!(table["own"].get("siblings").is_none());
        let trusted: Vec<&String> = table["service_identity"]["trusted"].as_table().unwrap().keys().collect();
        assert_eq!(trusted, ["courses", "messaging"]);
    }
}
