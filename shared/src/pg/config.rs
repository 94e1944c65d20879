//! Settles what can be configured of a service's database: where it is, how many connections, how long anything may wait.

use std::path::PathBuf;

use garde::Validate;
use serde::Deserialize;

use crate::resilience::breaker::{Policy, Settings};

/// Where the database is and how much of it this service may use.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Host name or address.
    #[garde(length(min = 1))]
    pub host: String,
    /// TCP port.
    #[garde(range(min = 1))]
    pub port: u16,
    /// A replica for the reads of requests; without one they go to the primary. What it answers may be a moment old,
    /// and while it is away those reads fail: whoever names a replica has sized the primary without them.
    #[serde(default)]
    #[garde(dive)]
    pub replica: Option<Endpoint>,
    /// Database of this service.
    #[garde(length(min = 1))]
    pub database: String,
    /// Role of this service.
    #[garde(length(min = 1))]
    pub user: String,
    /// File that holds the role's password.
    #[garde(skip)]
    pub password_file: PathBuf,
    /// Connections per class of work.
    #[serde(default)]
    #[garde(dive)]
    pub pools: PoolSizes,
    /// Longest wait for a free connection, in milliseconds. When the database hangs, this is how long a request waits before it is refused.
    #[serde(default = "default_wait_ms")]
    #[garde(range(min = 1, max = 5_000))]
    pub wait_ms: u64,
    /// Longest time to open a connection, in milliseconds.
    #[serde(default = "default_connect_ms")]
    #[garde(range(min = 1, max = 10_000))]
    pub connect_ms: u64,
    /// Longest run of one statement of a request, in milliseconds; a request's deadline shortens it.
    #[serde(default = "default_statement_ms")]
    #[garde(range(min = 1, max = 60_000))]
    pub statement_ms: u64,
    /// When writes are refused for a while: by how many commits of requests fail or are slow. A disk that hangs is
    /// noticed here first, and refusing early keeps its queue out of every request.
    #[serde(default = "default_write_breaker")]
    #[garde(skip)]
    pub write_breaker: Policy,
    /// Longest run of one statement of what can wait, such as a search, in milliseconds.
    #[serde(default = "default_deferrable_statement_ms")]
    #[garde(range(min = 1, max = 60_000))]
    pub deferrable_statement_ms: u64,
    /// Longest run of one statement of background work, in milliseconds.
    #[serde(default = "default_background_statement_ms")]
    #[garde(range(min = 1, max = 600_000))]
    pub background_statement_ms: u64,
}

/// A server.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Host name or address.
    #[garde(length(min = 1))]
    pub host: String,
    /// TCP port.
    #[garde(range(min = 1))]
    pub port: u16,
}

/// Connections per class of work: a bulkhead each, so that a pile-up in one leaves the others free.
#[derive(Debug, Clone, Copy, Deserialize, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct PoolSizes {
    /// Reads of requests.
    #[garde(range(min = 1, max = 200))]
    pub read: usize,
    /// Writes of requests.
    #[garde(range(min = 1, max = 200))]
    pub write: usize,
    /// Sign-ins.
    #[garde(range(min = 1, max = 200))]
    pub login: usize,
    /// What can wait: searches, streams that come back.
    #[garde(range(min = 1, max = 200))]
    pub deferrable: usize,
    /// What no request waits for.
    #[garde(range(min = 1, max = 200))]
    pub background: usize,
}

impl PoolSizes {
    /// Connections of all classes together.
    pub fn all(self) -> usize {
        self.read + self.write + self.login + self.deferrable + self.background
    }
}

impl Default for PoolSizes {
    fn default() -> Self {
        Self { read: 8, write: 4, login: 4, deferrable: 2, background: 2 }
    }
}

fn default_wait_ms() -> u64 {
    50
}
fn default_connect_ms() -> u64 {
    2_000
}
fn default_statement_ms() -> u64 {
    2_000
}
/// A commit on a healthy disk takes milliseconds; 150 ms is a disk that others wait for as well.
fn default_write_breaker() -> Policy {
    Policy::try_new(Settings { slow_call_ms: 150, ..Settings::default() }).unwrap_or_default()
}
fn default_deferrable_statement_ms() -> u64 {
    1_000
}
fn default_background_statement_ms() -> u64 {
    30_000
}
