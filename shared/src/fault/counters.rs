//! Settles what a fault proxy counts.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// What went through a proxy so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Connections taken.
    pub accepted: u64,
    /// Connections turned away because too many were open.
    pub turned_away: u64,
    /// Connections open now.
    pub open: u64,
    /// Bytes passed on to the server.
    pub bytes_to_server: u64,
    /// Bytes passed on to the client.
    pub bytes_to_client: u64,
}

/// The counters behind [`Counts`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) accepted: AtomicU64,
    pub(super) turned_away: AtomicU64,
    pub(super) open: AtomicU64,
    pub(super) to_server: AtomicU64,
    pub(super) to_client: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            accepted: of(&self.accepted),
            turned_away: of(&self.turned_away),
            open: of(&self.open),
            bytes_to_server: of(&self.to_server),
            bytes_to_client: of(&self.to_client),
        }
    }
}
