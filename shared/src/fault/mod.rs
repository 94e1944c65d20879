//! Settles how things are broken on purpose: a network that slows, starves, swallows, resets or refuses, a process that stands still, a disk that is slow.
//!
//! For tests (`shared::testing`) and for `cargo ent fault`; a running service is built without it.

mod connection;
mod counters;
mod network;
mod process;
mod proxy;
mod pump;
mod slow_disk;
#[cfg(test)]
mod tests;

pub use counters::Counts;
pub use network::{Direction, NetworkFault, Shape};
pub use process::{Identity, Paused};
pub use proxy::{Proxy, open};
pub use slow_disk::{DiskDelays, SlowDisk};
