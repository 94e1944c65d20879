//! Settles how the front door runs here: the committed configuration, plus the servers of this installation.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;

use crate::layout::{Layout, write_file};
use crate::machine::Engines;
use crate::ports;
use crate::process::Launch;

/// The front door.
pub(crate) struct Haproxy {
    program: PathBuf,
    layout: Layout,
}

impl Haproxy {
    /// The front door of this installation.
    pub(crate) fn new(engines: &Engines, layout: &Layout) -> Self {
        Self::of(engines.haproxy.path.clone(), layout)
    }

    /// The same with a given program.
    pub(super) fn of(program: PathBuf, layout: &Layout) -> Self {
        Self { program, layout: layout.clone() }
    }

    /// Writes down which servers stand behind which service.
    pub(crate) fn prepare(&self, backends: &[(&str, Vec<SocketAddr>)]) -> Result<()> {
        write_file(&self.servers_file(), servers(backends), 0o600)
    }

    fn servers_file(&self) -> PathBuf {
        self.layout.path("config/haproxy-servers.cfg")
    }

    /// How the front door is started.
    pub(crate) fn launch(&self) -> Launch {
        let shared = self.layout.root.join("infra/haproxy");
        let variables = [
            ("ENT_HTTPS_BIND", format!("127.0.0.1:{}", ports::HTTPS).into()),
            ("ENT_HTTP_BIND", format!("127.0.0.1:{}", ports::HTTP).into()),
            ("ENT_METRICS_BIND", format!("127.0.0.1:{}", ports::FRONT_DOOR_FIGURES).into()),
            ("ENT_HTTPS_PORT", ports::HTTPS.to_string().into()),
            ("ENT_CERTIFICATE", self.layout.path("tls/front-door.pem").into_os_string()),
            ("ENT_STATUS_PAGE", shared.join("status-page.html").into_os_string()),
            // Relative to the folder it starts in: the path of a socket may have 107 bytes, a checkout's path more.
            ("ENT_RUNTIME_SOCKET", "./haproxy.sock".into()),
        ];
        Launch {
            program: self.program.clone(),
            arguments: vec![
                "-db".into(),
                "-f".into(),
                shared.join("haproxy.cfg").into_os_string(),
                "-f".into(),
                self.servers_file().into_os_string(),
            ],
            environment: variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            folder: self.layout.path("run"),
            log: self.layout.log("haproxy"),
            run_as: None,
            death_signal: "TERM",
        }
    }
}

fn servers(backends: &[(&str, Vec<SocketAddr>)]) -> String {
    let mut text =
        String::from("# Settles which servers stand behind which service; written anew at each start.\n");
    for (service, addresses) in backends {
        add_backend(&mut text, service, "service", (service, addresses));
        if *service == "messaging" {
            add_backend(&mut text, "messaging-events", "streams", (service, addresses));
        }
    }
    text
}

fn add_backend(text: &mut String, name: &str, defaults: &str, (service, addresses): (&str, &[SocketAddr])) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\nbackend {name} from {defaults}");
    for (index, address) in addresses.iter().enumerate() {
        let _ = writeln!(text, "    server {service}-{} {address}", index + 1);
    }
}

/// In a network of containers: one name has the addresses of all instances of a service, which come and go.
const RESOLVER: &str = "
resolvers containers
    nameserver engine 127.0.0.11:53
    accepted_payload_size 8192
    resolve_retries 3
    timeout resolve 500ms
    timeout retry 500ms
    hold valid 500ms
    hold obsolete 1s
    hold nx 1s
";

/// The same file for containers, where each service is found by host and port.
pub(crate) fn found_by_name(services: &[(&str, String)]) -> String {
    let mut text = format!(
        "# Settles which servers stand behind which service; written anew at each start.\n{RESOLVER}"
    );
    let mut add = |name: &str, defaults: &str, service: &str, host: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\nbackend {name} from {defaults}");
        let _ = writeln!(
            text,
            "    server-template {service}- {} {host} resolvers containers init-addr none",
            ports::MAX_INSTANCES
        );
    };
    for (service, host) in services {
        add(service, "service", service, host);
        if *service == "messaging" {
            add("messaging-events", "streams", service, host);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_numbered_per_service() {
        let text = servers(&[(
            "auth",
            vec!["127.0.0.1:18101".parse().unwrap(), "127.0.0.1:18102".parse().unwrap()],
        )]);
        assert!(text.ends_with(
            "\nbackend auth from service\n    server auth-1 127.0.0.1:18101\n    server auth-2 127.0.0.1:18102\n"
        ));
    }

    #[test]
    fn streams_have_connections_of_their_own() {
        let text = servers(&[("messaging", vec!["127.0.0.1:18301".parse().unwrap()])]);
        assert!(text.ends_with(
            "\nbackend messaging from service\n    server messaging-1 127.0.0.1:18301\n\
             \nbackend messaging-events from streams\n    server messaging-1 127.0.0.1:18301\n"
        ));
    }
}
