//! Settles how a real HAProxy is run for a test: on ports of its own, before a stub that remembers what reached it.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::engines::Haproxy;
use crate::layout::{Layout, make_dir, remove_dir};

/// How long the front door may take to see its stub.
const READY_LIMIT: Duration = Duration::from_secs(10);

/// A running front door; `auth` is the stub, the other services have no instance.
pub(super) struct FrontDoor {
    pub(super) https: u16,
    pub(super) stub: Stub,
    http: u16,
    folder: PathBuf,
    child: Child,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

/// What the front door answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    headers: reqwest::header::HeaderMap,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// The `code` of a problem, which is what programs compare.
    pub(super) fn code(&self) -> String {
        let problem: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["status"], self.status);
        problem["code"].as_str().unwrap().to_owned()
    }
}

impl FrontDoor {
    pub(super) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With some of the bounds that `haproxy.cfg` has defaults for.
    pub(super) fn start_with(bounds: &[(&str, u32)]) -> Self {
        Self::start_before("auth", bounds)
    }

    /// The stub is this service, the other services have no instance.
    pub(super) fn start_before(service: &str, bounds: &[(&str, u32)]) -> Self {
        let program = crate::machine::find_on_path("haproxy").expect("`cargo ent test` installs HAProxy");
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
        let [https, http, closed] = free_ports();
        let folder = std::env::temp_dir().join(format!("ent-front-door-{https}"));
        for name in ["run", "logs", "config", "tls"] {
            make_dir(&folder.join(name), 0o700).unwrap();
        }
        let layout = Layout { root, data: folder.clone() };
        crate::installation::tls::ensure(&layout).unwrap();
        let stub = Stub::start();
        let nobody: SocketAddr = (Ipv4Addr::LOCALHOST, closed).into();
        let haproxy = Haproxy::of(program, &layout);
        haproxy
            .prepare(
                &["auth", "courses", "messaging"]
                    .map(|name| (name, vec![if name == service { stub.address } else { nobody }])),
            )
            .unwrap();
        let child = spawn(&haproxy, https, http, bounds);
        let door = Self { https, http, stub, client: client(&layout), folder, child, runtime: runtime() };
        door.wait_until_ready();
        door
    }

    /// The stub answers, and the services without an instance were found out.
    fn wait_until_ready(&self) {
        let began = crate::clock::now();
        let is_ready = || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.https)).is_ok()
                && self.get("/").body.matches(">down<").count() == 2
        };
        while !is_ready() {
            let log = std::fs::read_to_string(self.folder.join("logs/haproxy.log")).unwrap_or_default();
            assert!(began.elapsed() < READY_LIMIT, "HAProxy is not ready: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
        self.stub.forget();
    }

    /// A connection that stays open, or none when the front door closes it before any handshake.
    pub(super) fn connect(&self) -> Option<TcpStream> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.https)).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let is_silent = |error: std::io::Error| {
            matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
        };
        stream.read(&mut [0]).is_err_and(is_silent).then_some(stream)
    }

    /// How often a stream of events was shown to be alive before it ended, or often enough, and how long that took.
    pub(super) fn listen(&self, path: &str, enough: usize) -> (usize, Duration) {
        let began = crate::clock::now();
        let request = self.client.get(format!("https://localhost:{}{path}", self.https));
        let alive = self.runtime.block_on(async {
            let mut answer = request.timeout(Duration::from_mins(1)).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let mut alive = 0;
            while alive < enough {
                let Ok(Some(chunk)) = answer.chunk().await else { break };
                alive += std::str::from_utf8(&chunk).unwrap().matches(':').count();
            }
            alive
        });
        (alive, began.elapsed())
    }

    pub(super) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[])
    }

    pub(super) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("https://localhost:{}{path}", self.https));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request)
    }

    pub(super) fn plain(&self, path: &str, host: &str) -> Answer {
        let request = self.client.get(format!("http://localhost:{}{path}", self.http)).header("host", host);
        self.answer(request)
    }

    /// What the address of figures answers, head and body.
    pub(super) fn figures(&self, path: &str) -> String {
        let mut stream = UnixStream::connect(self.folder.join("run/haproxy.sock.metrics")).unwrap();
        stream.set_read_timeout(Some(READY_LIMIT)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn answer(&self, request: reqwest::RequestBuilder) -> Answer {
        self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Answer { status, headers, body: response.text().await.unwrap() }
        })
    }

    /// The last line of the log that contains this and is about the stub; the log is written after the answer.
    pub(super) fn log_line(&self, wanted: &str) -> String {
        let began = crate::clock::now();
        loop {
            let log = std::fs::read_to_string(self.folder.join("logs/haproxy.log")).unwrap();
            let mut lines = log.lines().rev();
            if let Some(line) =
                lines.find(|line| line.contains(wanted) && line.contains("\"server\":\"auth-1\""))
            {
                return line.to_owned();
            }
            assert!(began.elapsed() < READY_LIMIT, "nothing was logged: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for FrontDoor {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        remove_dir(&self.folder).unwrap();
    }
}

fn spawn(haproxy: &Haproxy, https: u16, http: u16, bounds: &[(&str, u32)]) -> Child {
    let launch = haproxy.launch();
    let log = File::create(&launch.log).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(&launch.program).args(&launch.arguments);
    command.envs(launch.environment).current_dir(&launch.folder);
    command.env("ENT_HTTPS_BIND", format!("127.0.0.1:{https}")).env("ENT_HTTPS_PORT", https.to_string());
    command.env("ENT_HTTP_BIND", format!("127.0.0.1:{http}"));
    // Figures on a socket beside the runtime API's: no port for each test.
    command.env_remove("ENT_METRICS_BIND");
    command.envs(bounds.iter().map(|(name, value)| (name, value.to_string())));
    command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

fn client(layout: &Layout) -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    let authority = std::fs::read(layout.path("tls/ca.crt")).unwrap();
    let authority = reqwest::Certificate::from_pem(&authority).unwrap();
    // A connection per request: on a kept one HAProxy closes instead of answering 502 (said in haproxy.cfg).
    let builder = reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none());
    builder.tls_certs_only([authority]).timeout(Duration::from_secs(10)).build().unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Ports that nobody has now; all are held while they are chosen, so that they differ.
fn free_ports<const N: usize>() -> [u16; N] {
    let held: [TcpListener; N] =
        std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// A server that is ready, answers 200 and remembers the heads of what it was asked; some paths misbehave.
pub(super) struct Stub {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let stub = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let seen = Arc::clone(&stub.seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().map(Result::unwrap) {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || serve(stream, &seen));
            }
        });
        stub
    }

    /// The heads of all requests so far, health checks left out.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        // A connection that says nothing is one that HAProxy gave up.
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    if head.contains(" /readyz ") {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        return;
    }
    let is_first = {
        let mut seen = seen.lock().unwrap();
        seen.push(head.clone());
        seen.len() == 1
    };
    if head.contains("/break ") || (head.contains("/break-once ") && is_first) {
        return;
    }
    if head.contains("/v1/events ") {
        return stream_events(stream);
    }
    if head.contains("/hang ") {
        std::thread::sleep(Duration::from_secs(9));
    }
    drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"));
}

/// How often the stub's stream shows that it is alive, as messaging's do.
pub(super) const ALIVE_EVERY: Duration = Duration::from_secs(10);

/// A stream of events in which nothing happens, for as long as anybody takes it.
fn stream_events(mut stream: TcpStream) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let mut sent = stream.write_all(head.as_bytes());
    while sent.is_ok() {
        sent = stream.write_all(b"3\r\n:\n\n\r\n");
        std::thread::sleep(ALIVE_EVERY);
    }
}
