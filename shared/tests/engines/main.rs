//! Settles how the shared crate behaves on real engines: connections that are lent only when idle, feeds that lose nothing, telemetry that arrives.
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests panic, spawn and look at the clock as they like"
)]

mod ablation;
mod audit;
mod cache;
mod drain;
mod feed;
mod idempotency;
mod otlp;
mod pg;
mod processes;
mod redis;
mod resharding;
mod sensitive;
mod service;
mod slot_mover;
mod slow_disk;
