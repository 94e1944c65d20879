//! Settles how a path is opened: a listener of its own, a bounded number of connections, and a handle that sets the fault.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::connection;
use super::counters::{Counters, Counts};
use super::network::NetworkFault;

/// Connections open at once; more are reset. Each holds at most 2 MiB of bytes on their way.
const MAX_CONNECTIONS: usize = 512;
/// How long to wait when the machine cannot give a connection or the port, before trying again.
const PAUSE: Duration = Duration::from_millis(50);

/// The handle of one proxy. When it is dropped, the proxy ends and resets what is open.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    fault: watch::Sender<NetworkFault>,
    counters: Arc<Counters>,
}

/// Listens on `address` in front of `target` (`host:port`). The future is the proxy's work: run it where it should live.
pub async fn open(
    address: SocketAddr,
    target: String,
) -> io::Result<(Proxy, impl Future<Output = ()> + Send + 'static)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let (fault, faults) = watch::channel(NetworkFault::None);
    let counters = Arc::new(Counters::default());
    let work = work(listener, address, target, faults, counters.clone());
    Ok((Proxy { address, fault, counters }, work))
}

impl Proxy {
    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts this fault in place of the one before, for open connections too.
    pub fn set(&self, fault: NetworkFault) {
        self.fault.send_replace(fault);
    }

    /// What went through so far.
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }
}

async fn work(
    listener: TcpListener,
    address: SocketAddr,
    target: String,
    mut faults: watch::Receiver<NetworkFault>,
    counters: Arc<Counters>,
) {
    let target: Arc<str> = target.into();
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        if *faults.borrow_and_update() == NetworkFault::Refuse {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind(address).await.ok();
        }
        tokio::select! {
            accepted = accept(listener.as_ref()) => {
                let Some(client) = accepted else { continue };
                counters.accepted.fetch_add(1, Ordering::Relaxed);
                if connections.len() >= MAX_CONNECTIONS {
                    counters.turned_away.fetch_add(1, Ordering::Relaxed);
                    let _ = client.set_zero_linger();
                    continue;
                }
                let (target, faults, counters) = (target.clone(), faults.clone(), counters.clone());
                connections.spawn(async move {
                    let _open = Open::new(&counters);
                    connection::serve(client, &target, faults, &counters).await;
                });
            }
            Some(_) = connections.join_next() => {}
            changed = faults.changed() => if changed.is_err() { return },
        }
    }
}

/// The next connection; without a listener, or when the machine has none to give, nothing after a pause.
async fn accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    if let Some(listener) = listener
        && let Ok((client, _)) = listener.accept().await
    {
        return Some(client);
    }
    sleep(PAUSE).await;
    None
}

/// Counts a connection for as long as it is open.
struct Open<'a>(&'a Counters);

impl<'a> Open<'a> {
    fn new(counters: &'a Counters) -> Self {
        counters.open.fetch_add(1, Ordering::Relaxed);
        Self(counters)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
