//! Settles what a transaction is: opened with its first statement, bounded by its deadline, rolled back unless committed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::join;
use tokio::time::timeout;
use tokio_postgres::Row;

use super::lease::{Lease, State};
use super::reader::NETWORK_MARGIN;
use super::{Error, Params};
use crate::attribution::{Cause, DATABASE};
use crate::context::Context;
use crate::resilience::breaker::Breaker;

const SLOW: Cause = Cause::DependencySlow(DATABASE);

/// Statements that take effect together or not at all. Dropped without [`Transaction::commit`], it cancels and rolls back.
pub struct Transaction {
    context: Context,
    lease: Lease,
    statement_limit: Duration,
    commits: Option<Arc<Breaker>>,
}

impl Transaction {
    /// `commits` judges how long commits take, where somebody waits for them.
    pub(super) fn new(
        context: Context,
        lease: Lease,
        statement_limit: Duration,
        commits: Option<Arc<Breaker>>,
    ) -> Self {
        Self { context, lease, statement_limit, commits }
    }

    /// The work that this transaction belongs to.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// All rows of `sql`.
    pub async fn query(&mut self, sql: &str, params: Params<'_>) -> Result<Vec<Row>, Error> {
        let limit = self.next_limit()?;
        let context = self.context.clone();
        let _waiting = context.waiting(SLOW);
        let outcome = timeout(limit + NETWORK_MARGIN, self.send_query(sql, params, limit)).await;
        let answered = outcome.map_err(|_| Error::Timeout)?;
        self.lease.set(State::Open);
        answered
    }

    /// The one row of `sql`, if there is one.
    pub async fn query_opt(&mut self, sql: &str, params: Params<'_>) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// The first row of `sql`, which always has one (an aggregate, `exists`, an unconditional `returning`).
    pub async fn query_one(&mut self, sql: &str, params: Params<'_>) -> Result<Row, Error> {
        let row = self.query_opt(sql, params).await?;
        row.ok_or(Error::NoRow)
    }

    /// Runs `sql` and says how many rows it touched.
    pub async fn execute(&mut self, sql: &str, params: Params<'_>) -> Result<u64, Error> {
        let limit = self.next_limit()?;
        let context = self.context.clone();
        let _waiting = context.waiting(SLOW);
        let outcome = timeout(limit + NETWORK_MARGIN, self.send_execute(sql, params, limit)).await;
        let answered = outcome.map_err(|_| Error::Timeout)?;
        self.lease.set(State::Open);
        answered
    }

    /// Makes everything durable. After an error nobody knows whether it took effect: acts that matter are idempotent.
    pub async fn commit(mut self) -> Result<(), Error> {
        if self.lease.state() == State::Idle {
            return Ok(());
        }
        let Some(breaker) = self.commits.take() else { return self.send_commit().await };
        // Refused here, nothing has been sent: the transaction rolls back.
        let permit = breaker.acquire().map_err(|refused| Error::Open(refused.retry_after))?;
        let outcome = self.send_commit().await;
        match &outcome {
            Ok(()) => permit.success(),
            Err(error) if error.retryable() => permit.failure(),
            Err(_) => drop(permit),
        }
        outcome
    }

    async fn send_commit(&mut self) -> Result<(), Error> {
        let limit = self.context.remaining_up_to(self.statement_limit)?;
        self.lease.set(State::Running);
        let Some(client) = self.lease.client() else { return Err(Error::Busy) };
        let _waiting = self.context.waiting(SLOW);
        timeout(limit + NETWORK_MARGIN, client.batch_execute("commit"))
            .await
            .map_err(|_| Error::Timeout)??;
        self.lease.set(State::Idle);
        Ok(())
    }

    pub(super) fn client(&mut self) -> Result<&deadpool_postgres::Object, Error> {
        self.lease.client().ok_or(Error::Busy)
    }

    pub(super) fn next_limit(&self) -> Result<Duration, Error> {
        self.context.tally().sql_query();
        Ok(self.context.remaining_up_to(self.statement_limit)?)
    }

    async fn send_query(
        &mut self,
        sql: &str,
        params: Params<'_>,
        limit: Duration,
    ) -> Result<Vec<Row>, Error> {
        let preamble = self.preamble(limit);
        self.lease.set(State::Running);
        let client = self.client()?;
        let statement = client.prepare_cached(sql).await?;
        let (prepared, rows) = join!(client.batch_execute(&preamble), client.query(&statement, params));
        prepared?;
        Ok(rows?)
    }

    async fn send_execute(&mut self, sql: &str, params: Params<'_>, limit: Duration) -> Result<u64, Error> {
        let preamble = self.preamble(limit);
        self.lease.set(State::Running);
        let client = self.client()?;
        let statement = client.prepare_cached(sql).await?;
        let (prepared, rows) = join!(client.batch_execute(&preamble), client.execute(&statement, params));
        prepared?;
        Ok(rows?)
    }

    /// Sent in front of each statement, in the same round trip: the first one opens the transaction, each sets what is left of the deadline.
    pub(super) fn preamble(&self, limit: Duration) -> String {
        let begin = if self.lease.state() == State::Idle { "begin; " } else { "" };
        format!("{begin}set local statement_timeout = {}", limit.as_millis().max(1))
    }
}
