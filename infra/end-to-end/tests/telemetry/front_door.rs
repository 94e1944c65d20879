//! Settles how a test puts the real front door before real services: HAProxy with the committed configuration, on ports of its own.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use reqwest::header::{COOKIE, ORIGIN};
use serde_json::Value;
use shared::session::ACCESS_COOKIE;
use shared::testing::eventually;
use tempfile::TempDir;

/// A running front door.
pub struct FrontDoor {
    child: Child,
    client: reqwest::Client,
    https: u16,
    folder: TempDir,
}

impl FrontDoor {
    /// Before these instances; waits until it has found them ready.
    pub async fn start(backends: &[(&str, SocketAddr)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = write_certificate(folder.path());
        let [https, http] = free_ports();
        let child = spawn(folder.path(), backends, (https, http));
        let door = Self { child, client: client(&authority), https, folder };
        let is_up = async || door.page().await.matches(">up<").count() == backends.len();
        eventually("the front door has found all services", is_up).await;
        door
    }

    /// Asks as the browser of somebody who has signed in; the status and the body.
    pub async fn post(&self, token: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = self.client.post(format!("https://localhost:{}{path}", self.https));
        let request = request.header(ORIGIN, "https://ent.test");
        let answer =
            request.header(COOKIE, format!("{ACCESS_COOKIE}={token}")).json(body).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    /// The lines of its log about requests that reached a service.
    pub fn lines(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["event"] == "request" && line["route"] != "/").collect()
    }

    async fn page(&self) -> String {
        match self.client.get(format!("https://localhost:{}/", self.https)).send().await {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }
}

impl Drop for FrontDoor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &Path, backends: &[(&str, SocketAddr)], (https, http): (u16, u16)) -> Child {
    let haproxy = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../haproxy").canonicalize().unwrap();
    let servers = folder.join("servers.cfg");
    std::fs::write(&servers, servers_of(backends)).unwrap();
    let log = File::create(folder.join("log")).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", "haproxy", "-db", "-f"]).arg(haproxy.join("haproxy.cfg"));
    command.arg("-f").arg(servers).current_dir(folder);
    command.env("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin");
    command.env("ENT_HTTPS_BIND", format!("127.0.0.1:{https}")).env("ENT_HTTPS_PORT", https.to_string());
    command.env("ENT_HTTP_BIND", format!("127.0.0.1:{http}"));
    command.env("ENT_CERTIFICATE", folder.join("front-door.pem"));
    command.env("ENT_STATUS_PAGE", haproxy.join("status-page.html"));
    command.env("ENT_RUNTIME_SOCKET", "./haproxy.sock");
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command.spawn().unwrap()
}

/// Every service has its backends, those without an instance too.
fn servers_of(backends: &[(&str, SocketAddr)]) -> String {
    let groups = [("auth", "auth", "service"), ("courses", "courses", "service")];
    let groups = groups
        .into_iter()
        .chain([("messaging", "messaging", "service"), ("messaging-events", "messaging", "streams")]);
    let group = |(name, service, defaults): (&str, &str, &str)| {
        let own = backends.iter().filter(|(of, _)| *of == service);
        let servers = own.map(|(_, address)| format!("    server {service}-1 {address}"));
        let lines: Vec<String> =
            [format!("backend {name} from {defaults}")].into_iter().chain(servers).collect();
        lines.join("\n") + "\n"
    };
    groups.map(group).collect::<String>()
}

/// Writes the front door's certificate; the authority that signed it.
fn write_certificate(folder: &Path) -> reqwest::Certificate {
    let mut authority = CertificateParams::new(Vec::<String>::new()).unwrap();
    authority.distinguished_name.push(DnType::CommonName, "test authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let signed = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &issuer).unwrap();
    std::fs::write(folder.join("front-door.pem"), certificate.pem() + &*key.serialize_pem()).unwrap();
    reqwest::Certificate::from_pem(signed.pem().as_bytes()).unwrap()
}

fn client(authority: &reqwest::Certificate) -> reqwest::Client {
    // The first call wins; another one only says so.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(10));
    builder.tls_certs_only([authority.clone()]).build().unwrap()
}

/// Ports that nobody has now; all are held while they are chosen, so that they differ.
fn free_ports<const N: usize>() -> [u16; N] {
    let held: [TcpListener; N] =
        std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}
