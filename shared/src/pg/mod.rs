//! Settles how a service talks to PostgreSQL: pools per class of work, a limit on every wait, and connections lent only when idle.
//!
//! A query that times out goes on running in the server, and a pool that lends its connection again makes
//! the next borrower wait for it (measured: 2.9 s). Here a [`Reader`] or [`Transaction`] that is dropped
//! before its end cancels what runs and rolls back before its connection is lent again, or closes it.

mod connect;
mod error;
mod lease;
mod load;
mod migrate;
mod reader;
mod transaction;

use std::path::PathBuf;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use garde::Validate;
use serde::Deserialize;
use tokio::runtime::Handle;

use crate::config::{Invalid, Secret};
use crate::context::Context;
pub use connect::wait_until_reachable;
pub use error::{Constraint, Error};
use lease::{Lease, Way};
pub use load::{CsvTable, LoadError, copy_csv};
pub use migrate::{MigrateError, migrate};
pub use reader::Reader;
pub use tokio_postgres::Row;
pub use tokio_postgres::types::ToSql;
pub use transaction::Transaction;

/// A statement's parameters.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

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
    /// Longest run of one statement of background work, in milliseconds.
    #[serde(default = "default_background_statement_ms")]
    #[garde(range(min = 1, max = 600_000))]
    pub background_statement_ms: u64,
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
    /// What no request waits for.
    #[garde(range(min = 1, max = 200))]
    pub background: usize,
}

impl Default for PoolSizes {
    fn default() -> Self {
        Self { read: 8, write: 4, login: 4, background: 2 }
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
fn default_background_statement_ms() -> u64 {
    30_000
}

/// The class of work a connection is borrowed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Reads of requests.
    Read,
    /// Writes of requests.
    Write,
    /// Sign-ins.
    Login,
    /// What no request waits for.
    Background,
}

/// One database, as the service's state holds it. Cloning shares the pools.
#[derive(Clone)]
pub struct Database {
    read: Pool,
    write: Pool,
    login: Pool,
    background: Pool,
    way: Way,
    statement_limit: Duration,
    background_limit: Duration,
}

impl Database {
    /// Prepares the pools; connects only when first asked. Connections live on `engine`, so a stalled HTTP worker breaks nobody's.
    pub fn open(config: &Config, engine: &Handle) -> Result<Self, Invalid> {
        let password = Secret::read(&config.password_file)?;
        let pool = |size: usize, wait_ms: u64| {
            let manager = Manager::from_connect(
                connect::parameters(config, &password),
                connect::OnEngine(engine.clone()),
                ManagerConfig { recycling_method: RecyclingMethod::Fast },
            );
            Pool::builder(manager)
                .max_size(size)
                .runtime(Runtime::Tokio1)
                .timeouts(Timeouts {
                    wait: Some(Duration::from_millis(wait_ms)),
                    create: Some(Duration::from_millis(config.connect_ms)),
                    recycle: Some(Duration::from_millis(config.wait_ms)),
                })
                .build()
                .map_err(|error| Invalid::new(format!("postgres: {error}")))
        };
        Ok(Self {
            read: pool(config.pools.read, config.wait_ms)?,
            write: pool(config.pools.write, config.wait_ms)?,
            login: pool(config.pools.login, config.wait_ms)?,
            // Background work shares its few connections in turn: it may wait as long as a connection may take to open.
            background: pool(config.pools.background, config.connect_ms)?,
            way: Way { engine: engine.clone(), server: format!("{}:{}", config.host, config.port).into() },
            statement_limit: Duration::from_millis(config.statement_ms),
            background_limit: Duration::from_millis(config.background_statement_ms),
        })
    }

    /// A connection for reads of their own: each statement sees the latest commit, in one round trip.
    pub async fn read(&self, context: &Context) -> Result<Reader, Error> {
        self.reader(context, Work::Read).await
    }

    /// As [`Database::read`], from the pool of `work`.
    pub async fn reader(&self, context: &Context, work: Work) -> Result<Reader, Error> {
        Ok(Reader::new(context.clone(), self.lease(context, work).await?, self.limit(work)))
    }

    /// A transaction in the pool of `work`; nothing is sent before its first statement.
    pub async fn begin(&self, context: &Context, work: Work) -> Result<Transaction, Error> {
        Ok(Transaction::new(context.clone(), self.lease(context, work).await?, self.limit(work)))
    }

    /// Asks the database for one row, to learn whether it answers.
    pub async fn ping(&self, context: &Context) -> Result<(), Error> {
        self.reader(context, Work::Background).await?.query_one("select 1", &[]).await.map(|_| ())
    }

    /// (class, connections open, connections lent) for each pool.
    pub fn usage(&self) -> [(&'static str, usize, usize); 4] {
        let usage = |name, pool: &Pool| {
            let status = pool.status();
            (name, status.size, status.size.saturating_sub(status.available))
        };
        [
            usage("read", &self.read),
            usage("write", &self.write),
            usage("login", &self.login),
            usage("background", &self.background),
        ]
    }

    #[expect(clippy::disallowed_methods, reason = "the home of waits for a connection")]
    async fn lease(&self, context: &Context, work: Work) -> Result<Lease, Error> {
        let limit = context.remaining()?;
        let borrowed = tokio::time::timeout(limit, self.pool(work).get()).await;
        let object = borrowed.map_err(|_| Error::Deadline)?.map_err(Error::from_pool)?;
        Ok(Lease::new(object, self.way.clone()))
    }

    fn pool(&self, work: Work) -> &Pool {
        match work {
            Work::Read => &self.read,
            Work::Write => &self.write,
            Work::Login => &self.login,
            Work::Background => &self.background,
        }
    }

    fn limit(&self, work: Work) -> Duration {
        match work {
            Work::Read | Work::Write | Work::Login => self.statement_limit,
            Work::Background => self.background_limit,
        }
    }
}
