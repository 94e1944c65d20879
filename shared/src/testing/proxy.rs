//! Settles how tests break a network: a TCP proxy in front of an engine that can refuse, reset, stall, and heal.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::engines;

/// What the proxy does with connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Passes bytes both ways.
    Pass,
    /// Resets what is open and what comes.
    Broken,
    /// Accepts, keeps open what is open, and passes nothing: a black hole.
    Stalled,
}

/// A proxy on a free port of loopback; ends with this value.
pub struct FaultProxy {
    address: SocketAddr,
    mode: Arc<watch::Sender<Mode>>,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl FaultProxy {
    /// Stands in front of `target` (`host:port`).
    pub async fn in_front_of(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let mode = Arc::new(watch::Sender::new(Mode::Pass));
        let accepted = Arc::new(AtomicUsize::new(0));
        let (target, modes, count) = (target.to_owned(), mode.clone(), accepted.clone());
        let task = tokio::task::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::task::spawn(serve(client, target.clone(), modes.subscribe()));
            }
        });
        Self { address, mode, accepted, task }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections were attempted so far.
    pub fn attempts(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Resets every connection, now and from now on.
    pub fn break_connections(&self) {
        self.mode.send_replace(Mode::Broken);
    }

    /// Lets nothing through while connections stay open.
    pub fn stall(&self) {
        self.mode.send_replace(Mode::Stalled);
    }

    /// Lets everything through again.
    pub fn restore(&self) {
        self.mode.send_replace(Mode::Pass);
    }
}

/// A proxy in front of every node of the test cluster, and the map that leads a service through them.
pub async fn redis_behind_proxies() -> (BTreeMap<String, String>, Vec<FaultProxy>) {
    let (_, nodes) = engines::redis_nodes();
    let (mut reach_as, mut proxies) = (BTreeMap::new(), Vec::new());
    for node in nodes {
        let proxy = FaultProxy::in_front_of(&node).await;
        reach_as.insert(node, proxy.address().to_string());
        proxies.push(proxy);
    }
    (reach_as, proxies)
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.mode.send_replace(Mode::Broken);
        self.task.abort();
    }
}

async fn serve(mut client: TcpStream, target: String, mut modes: watch::Receiver<Mode>) {
    let mut server = None;
    loop {
        let mode = *modes.borrow_and_update();
        match mode {
            Mode::Broken => return reset(client),
            Mode::Stalled => {
                if modes.changed().await.is_err() {
                    return;
                }
            }
            Mode::Pass => {
                if server.is_none() {
                    server = TcpStream::connect(&target).await.ok();
                }
                let Some(open) = &mut server else { return reset(client) };
                tokio::select! {
                    _ = copy_bidirectional(&mut client, open) => return,
                    changed = modes.changed() => if changed.is_err() { return },
                }
            }
        }
    }
}

/// Closes with a reset, as a crashed peer does.
fn reset(client: TcpStream) {
    let _ = client.set_zero_linger();
    drop(client);
}
