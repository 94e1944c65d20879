//! Settles what all three services have in common: engines behind limits, requests with deadlines, answers with names.
//!
//! It knows no ENT noun but those of the access token ([`session`]).

pub mod ablation;
mod allocator;
pub mod attribution;
pub mod audit;
pub mod cache;
pub mod clock;
pub mod config;
pub mod context;
pub mod evidence;
#[cfg(any(test, feature = "faults"))]
pub mod fault;
pub mod feed;
pub mod health;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod keys;
pub mod paris;
pub mod pg;
pub mod redis;
pub mod resilience;
pub mod runtime;
pub mod sequence;
pub mod service;
pub mod service_token;
pub mod session;
pub mod siblings;
pub mod telemetry;
#[cfg(any(test, feature = "testing"))]
#[expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "support for tests, where a panic is how a fault is reported"
)]
pub mod testing;
mod tls;
