//! Settles how a service talks to PostgreSQL: pools per class of work, a limit on every wait, and connections lent only when idle.
//!
//! A query that times out goes on running in the server, and a pool that lends its connection again makes
//! the next borrower wait for it (measured: 2.9 s). Here a [`Reader`] or [`Transaction`] that is dropped
//! before its end cancels what runs and rolls back before its connection is lent again, or closes it.

mod config;
mod connect;
mod error;
mod lease;
mod load;
mod migrate;
mod reader;
mod transaction;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio::runtime::Handle;
use tokio_postgres::config::TargetSessionAttrs;

use crate::ablation::Part;
use crate::attribution::{Cause, DATABASE};
use crate::config::{Invalid, Secret};
use crate::context::Context;
use crate::resilience::breaker::{Breaker, Registry, State};
pub use config::{Config, Endpoint, PoolSizes};
pub use connect::wait_until_reachable;
pub use error::{Constraint, Error};
use lease::{Lease, Way};
pub use load::{CsvTable, LoadError, copy_csv};
pub use migrate::{MigrateError, migrate};
pub use reader::Reader;
pub use tokio_postgres::Row;
pub use tokio_postgres::types::{Json, ToSql};
pub use transaction::Transaction;

/// A statement's parameters.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The class of work a connection is borrowed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Reads of requests.
    Read,
    /// Writes of requests.
    Write,
    /// Sign-ins.
    Login,
    /// What can wait, on the primary: searches, streams that come back. A pile of it takes nobody else's connection.
    Deferrable,
    /// What no request waits for.
    Background,
}

/// One database, as the service's state holds it. Cloning shares the pools.
#[derive(Clone)]
pub struct Database {
    read: Lender,
    write: Lender,
    login: Lender,
    deferrable: Lender,
    background: Lender,
    writes: Arc<Breaker>,
    statement_limit: Duration,
    deferrable_limit: Duration,
    background_limit: Duration,
}

/// A pool and the way to its server.
#[derive(Clone)]
struct Lender {
    pool: Pool,
    way: Way,
}

impl Database {
    /// Prepares the pools; connects only when first asked. Connections live on `engine`, so a stalled HTTP worker breaks nobody's.
    pub fn open(config: &Config, breakers: &Registry, engine: &Handle) -> Result<Self, Invalid> {
        let writes = breakers.breaker(&format!("postgres:{}:write", config.database), &config.write_breaker);
        let writes = writes.map_err(|error| Invalid::new(error.to_string()))?;
        let password = Secret::read(&config.password_file)?;
        let primary = Endpoint { host: config.host.clone(), port: config.port };
        let lender = |server: &Endpoint, attributes: TargetSessionAttrs, size: usize, wait_ms: u64| {
            let mut parameters = connect::parameters(config, server, &password);
            parameters.target_session_attrs(attributes);
            let manager = Manager::from_connect(
                parameters,
                connect::OnEngine(engine.clone()),
                ManagerConfig { recycling_method: RecyclingMethod::Fast },
            );
            let timeouts = Timeouts {
                wait: Some(Duration::from_millis(wait_ms)),
                create: Some(Duration::from_millis(config.connect_ms)),
                recycle: Some(Duration::from_millis(config.wait_ms)),
            };
            let pool =
                Pool::builder(manager).max_size(size).runtime(Runtime::Tokio1).timeouts(timeouts).build();
            let pool = pool.map_err(|error| Invalid::new(format!("postgres: {error}")))?;
            let way =
                Way { engine: engine.clone(), server: format!("{}:{}", server.host, server.port).into() };
            Ok::<_, Invalid>(Lender { pool, way })
        };
        // After a failover the old primary may still answer, read-only: it is not the database that is meant.
        let on_primary = |size, wait_ms| lender(&primary, TargetSessionAttrs::ReadWrite, size, wait_ms);
        let (pools, wait_ms) = (config.pools, config.wait_ms);
        let is_one_pool = breakers.ablation().removes(Part::Bulkheads);
        let write = on_primary(if is_one_pool { pools.all() } else { pools.write }, wait_ms)?;
        let apart = |size, wait_ms| if is_one_pool { Ok(write.clone()) } else { on_primary(size, wait_ms) };
        Ok(Self {
            read: match &config.replica {
                Some(replica) => lender(replica, TargetSessionAttrs::Any, pools.read, wait_ms)?,
                None => apart(pools.read, wait_ms)?,
            },
            login: apart(pools.login, wait_ms)?,
            deferrable: apart(pools.deferrable, wait_ms)?,
            // Background work shares its few connections in turn: it may wait as long as a connection may take to open.
            background: apart(pools.background, config.connect_ms)?,
            write,
            writes,
            statement_limit: Duration::from_millis(config.statement_ms),
            deferrable_limit: Duration::from_millis(config.deferrable_statement_ms),
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
        let commits = (work == Work::Write).then(|| self.writes.clone());
        if let Some(breaker) = commits.as_ref().filter(|breaker| breaker.state() == State::Open) {
            let left = breaker.retry_after();
            if !left.is_zero() {
                return Err(Error::Open(left));
            }
        }
        Ok(Transaction::new(context.clone(), self.lease(context, work).await?, self.limit(work), commits))
    }

    /// Asks the database for one row, to learn whether it answers.
    pub async fn ping(&self, context: &Context) -> Result<(), Error> {
        self.reader(context, Work::Background).await?.query_one("select 1", &[]).await.map(|_| ())
    }

    /// (class, connections open, connections lent) for each pool.
    pub fn usage(&self) -> [(&'static str, usize, usize); 5] {
        let usage = |name, lender: &Lender| {
            let status = lender.pool.status();
            (name, status.size, status.size.saturating_sub(status.available))
        };
        [
            usage("read", &self.read),
            usage("write", &self.write),
            usage("login", &self.login),
            usage("deferrable", &self.deferrable),
            usage("background", &self.background),
        ]
    }

    #[expect(clippy::disallowed_methods, reason = "the home of waits for a connection")]
    async fn lease(&self, context: &Context, work: Work) -> Result<Lease, Error> {
        let (limit, lender) = (context.remaining()?, self.lender(work));
        let _waiting = context.waiting(Cause::Bulkhead(DATABASE));
        let borrowed = tokio::time::timeout(limit, lender.pool.get()).await;
        let object = borrowed.map_err(|_| Error::Deadline)?.map_err(Error::from_pool)?;
        Ok(Lease::new(object, lender.way.clone()))
    }

    fn lender(&self, work: Work) -> &Lender {
        match work {
            Work::Read => &self.read,
            Work::Write => &self.write,
            Work::Login => &self.login,
            Work::Deferrable => &self.deferrable,
            Work::Background => &self.background,
        }
    }

    fn limit(&self, work: Work) -> Duration {
        match work {
            Work::Read | Work::Write | Work::Login => self.statement_limit,
            Work::Deferrable => self.deferrable_limit,
            Work::Background => self.background_limit,
        }
    }
}
