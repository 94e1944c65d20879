//! Settles what becomes of one connection through the proxy.

use std::io;

use tokio::net::TcpStream;
use tokio::sync::watch;

use super::counters::Counters;
use super::network::{Direction, NetworkFault};
use super::pump;

/// Serves a connection to its end; breaking faults end it with a reset on both sides, as a crashed peer does.
pub(super) async fn serve(
    mut client: TcpStream,
    target: &str,
    faults: watch::Receiver<NetworkFault>,
    counters: &Counters,
) {
    let mut breaking = faults.clone();
    tokio::select! {
        result = pass(&mut client, target, faults, counters) => if result.is_ok() { return },
        _ = breaking.wait_for(NetworkFault::is_breaking) => {}
    }
    let _ = client.set_zero_linger();
}

/// Both directions until both have ended, or one has failed.
async fn pass(
    client: &mut TcpStream,
    target: &str,
    faults: watch::Receiver<NetworkFault>,
    counters: &Counters,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.split();
    let (asked, asking) = pump::queue();
    let (answered, answering) = pump::queue();
    let onward = async {
        // A peer that nothing reaches is not reached by a connection either; what the client says is kept meanwhile.
        let mut opening = faults.clone();
        let is_open = |fault: &NetworkFault| fault.shape(Direction::ToServer).is_ok();
        opening.wait_for(is_open).await.map_err(|_| io::ErrorKind::ConnectionReset)?;
        let mut server = Server { stream: TcpStream::connect(target).await?, has_ended: false };
        server.stream.set_nodelay(true)?;
        let (mut from_server, mut to_server) = server.stream.split();
        let asking =
            pump::write(&mut to_server, Direction::ToServer, asking, faults.clone(), &counters.to_server);
        tokio::try_join!(asking, pump::read(&mut from_server, answered))?;
        server.has_ended = true;
        Ok(())
    };
    let back =
        pump::write(&mut to_client, Direction::ToClient, answering, faults.clone(), &counters.to_client);
    tokio::try_join!(pump::read(&mut from_client, asked), onward, back)?;
    Ok(())
}

/// The connection to the server: closed in order when all was said, else reset.
struct Server {
    stream: TcpStream,
    has_ended: bool,
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.has_ended {
            let _ = self.stream.set_zero_linger();
        }
    }
}
