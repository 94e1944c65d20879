//! Settles how every service speaks HTTP: one edge for all requests, one shape of error, one way to read a body or a caller.

mod accept;
mod admission;
mod answer_headers;
mod authority;
mod body;
mod caller;
mod caller_limits;
mod client_address;
mod client_network;
mod conditional;
mod connection;
mod edge;
#[cfg(test)]
mod hardening_tests;
mod origin;
mod overload;
mod probes;
mod problem;
mod request_body;
mod request_head;
mod request_log;
mod route_table;
mod rules;
pub mod server;
mod text;
mod worker_load;

use std::net::SocketAddr;
use std::path::PathBuf;

use garde::Validate;
use ipnet::IpNet;
use serde::Deserialize;

use crate::resilience::adaptive_limit::Bounds;

pub use authority::{Authority, Demanded};
pub use body::{Body, path_config, query_config, valid};
pub use caller::{Caller, NotSensitive, count_as};
pub use caller_limits::{CallerLimits, RateLimits};
pub use client_address::{ClientAddress, client_address};
pub use client_network::ClientNetwork;
pub use conditional::{Conditional, IfNoneMatchHeader};
pub use edge::{EdgePolicy, PublicPolicy, TIMEOUT_HEADER, edge};
pub use origin::OriginPolicy;
pub use probes::{StatusReport, internal_probes, public_probes};
pub use problem::{Failure, Problem, ProblemBody, retry_after};
pub use request_body::BodyLimits;
pub use route_table::RouteTable;
pub use rules::{Access, Routes, Rules};
pub use text::{line, prose};
pub use worker_load::WorkerLoads;

/// Where a service listens and whom it believes.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address for the front door.
    #[garde(skip)]
    pub public_address: SocketAddr,
    /// Address for siblings and operators: internal routes, `/metrics`, `/statusz`. The front door must not know it.
    #[garde(skip)]
    pub internal_address: SocketAddr,
    /// HTTP worker threads; the machine's cores when absent.
    #[serde(default)]
    #[garde(inner(range(min = 1, max = 256)))]
    pub workers: Option<usize>,
    /// Origins (`https://host[:port]`) whose pages may change anything here.
    #[garde(length(min = 1), inner(custom(origin::is_origin)))]
    pub origins: Vec<String>,
    /// Networks of the proxies whose `X-Forwarded-For` and `X-Ent-Timeout-Ms` are believed.
    #[serde(default)]
    #[garde(skip)]
    pub trusted_proxies: Vec<IpNet>,
    /// Certificate (PEM) that the front door shows; checked at start so that a demo or expired one is noticed here.
    #[serde(default)]
    #[garde(skip)]
    pub front_door_certificate: Option<PathBuf>,
    /// Longest time for one request, in milliseconds; the front door may ask for less.
    #[serde(default = "default_request_ms")]
    #[garde(range(min = 10, max = 120_000))]
    pub request_ms: u64,
    /// Largest request body, in bytes.
    #[serde(default = "default_body_bytes")]
    #[garde(range(min = 1_024, max = 16_777_216))]
    pub body_bytes: usize,
    /// Longest time from a request's head to the end of its body, in milliseconds. A stalled client is answered 408 then; its deadline may shorten this.
    #[serde(default = "default_body_ms")]
    #[garde(range(min = 10, max = 60_000))]
    pub body_ms: u64,
    /// A client that takes less than 16 KiB of a waiting answer in this time is cut off, in milliseconds.
    #[serde(default = "default_answer_ms")]
    #[garde(range(min = 10, max = 60_000))]
    pub answer_ms: u64,
    /// Open connections per worker; further ones wait until one of them ends. Stalled ones end by the limits above.
    #[serde(default = "default_max_connections")]
    #[garde(range(min = 16, max = 25_000))]
    pub max_connections: usize,
    /// How often accounts and addresses may ask one instance.
    #[serde(default)]
    #[garde(dive)]
    pub rate_limits: RateLimits,
    /// An answer that takes longer than this is counted as slow, in milliseconds.
    #[serde(default = "default_slow_ms")]
    #[garde(range(min = 1, max = 60_000))]
    pub slow_ms: u64,
    /// Between which bounds each worker finds how many requests it works on at once.
    #[serde(default)]
    #[garde(dive)]
    pub concurrency: Bounds,
    /// A worker whose event loop runs this much later than asked, in the mean of a second, sheds the least important requests, in
    /// milliseconds.
    #[serde(default = "default_lag_ms")]
    #[garde(range(min = 1, max = 60_000))]
    pub lag_ms: u64,
    /// After SIGTERM: how long to go on serving while the front door notices that this instance is no longer ready, in milliseconds.
    #[serde(default = "default_linger_ms")]
    #[garde(range(max = 60_000))]
    pub linger_ms: u64,
    /// After that: how long requests may take to finish, in milliseconds.
    #[serde(default = "default_drain_ms")]
    #[garde(range(max = 120_000))]
    pub drain_ms: u64,
}

fn default_request_ms() -> u64 {
    5_000
}
fn default_body_bytes() -> usize {
    256 * 1024
}
fn default_body_ms() -> u64 {
    4_000
}
fn default_answer_ms() -> u64 {
    5_000
}
fn default_max_connections() -> usize {
    4_096
}
fn default_slow_ms() -> u64 {
    1_000
}
fn default_lag_ms() -> u64 {
    20
}
fn default_linger_ms() -> u64 {
    1_500
}
fn default_drain_ms() -> u64 {
    10_000
}
