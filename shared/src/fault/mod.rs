//! Settles how a network is broken on purpose: a TCP proxy that slows, starves, swallows, resets or refuses, and heals.
//!
//! For tests (`shared::testing`) and for `cargo ent fault`; a running service is built without it.

mod connection;
mod counters;
mod network;
mod proxy;
mod pump;
#[cfg(test)]
mod tests;

pub use counters::Counts;
pub use network::{Direction, NetworkFault, Shape};
pub use proxy::{Proxy, open};
