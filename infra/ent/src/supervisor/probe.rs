//! Settles what "ready" means for each kind of process.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::unit::Probe;
use crate::context::Context;
use crate::engines;
use crate::faults;

/// How long one question may take.
const LIMIT: Duration = Duration::from_secs(1);

/// Whether the process is ready; the error says why not.
pub(crate) fn ask(context: &Context, probe: &Probe) -> Result<()> {
    match probe {
        Probe::Postgres(admin) => engines::is_answering(context, admin),
        Probe::Redis(node) => engines::is_formed(node),
        Probe::Readyz(address) => readyz(context, *address),
        Probe::Faults(layout) => faults::is_listening(layout),
        Probe::Port(port) => {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
            TcpStream::connect_timeout(&address, LIMIT).context("does not accept connections")?;
            Ok(())
        }
    }
}

fn readyz(context: &Context, address: SocketAddr) -> Result<()> {
    let url = format!("http://{address}/readyz");
    context.block_on("/readyz", LIMIT, async {
        let answer =
            context.http.get(&url).send().await.map_err(|_| anyhow::anyhow!("does not answer yet"))?;
        ensure!(answer.status().is_success(), "/readyz says {}", answer.status().as_u16());
        Ok(())
    })
}
