//! Settles where the fault keeper listens: on a socket that only this user can reach.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::layout::Layout;

/// The socket, in `.ent/run`. The keeper starts in that folder: a socket's path may have 107 bytes, a checkout's path more.
pub(super) const NAME: &str = "faults.sock";

/// Connects to the keeper; reading and writing have this limit.
pub(super) fn connect(layout: &Layout, limit: Duration) -> Result<UnixStream> {
    let folder = File::open(layout.path("run"))?;
    // By way of the open folder, for the same reason.
    let path = format!("/proc/self/fd/{}/{NAME}", folder.as_raw_fd());
    let stream = UnixStream::connect(path).context("the fault keeper does not listen")?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    Ok(stream)
}

/// Whether the keeper takes connections.
pub(crate) fn is_listening(layout: &Layout) -> Result<()> {
    connect(layout, Duration::from_secs(1)).map(drop)
}
