//! Settles how a read of its own is sent: begin, time-out, statement and commit in one round trip.

use std::time::Duration;

use futures_util::join;
use tokio::time::timeout;
use tokio_postgres::Row;

use super::lease::{Lease, State};
use super::{Error, Params};
use crate::attribution::{Cause, DATABASE};
use crate::context::Context;

/// What the network may add to the server's own time-out before the client gives up.
pub(super) const NETWORK_MARGIN: Duration = Duration::from_millis(100);

/// A borrowed connection for independent reads; each sees what was committed when it began.
pub struct Reader {
    context: Context,
    lease: Lease,
    statement_limit: Duration,
}

impl Reader {
    pub(super) fn new(context: Context, lease: Lease, statement_limit: Duration) -> Self {
        Self { context, lease, statement_limit }
    }

    /// All rows of `sql`.
    pub async fn query(&mut self, sql: &str, params: Params<'_>) -> Result<Vec<Row>, Error> {
        self.context.tally().sql_query();
        let limit = self.context.remaining_up_to(self.statement_limit)?;
        self.lease.set(State::Running);
        let _waiting = self.context.waiting(Cause::DependencySlow(DATABASE));
        let outcome = timeout(limit + NETWORK_MARGIN, self.round_trip(sql, params, limit)).await;
        let rows = outcome.map_err(|_| Error::Timeout)?;
        // The trailing commit was answered (it ends a failed transaction too).
        self.lease.set(State::Idle);
        rows
    }

    /// The one row of `sql`, if there is one. More than one is a bug.
    pub async fn query_opt(&mut self, sql: &str, params: Params<'_>) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// The first row of `sql`, which always has one (an aggregate, `exists`).
    pub async fn query_one(&mut self, sql: &str, params: Params<'_>) -> Result<Row, Error> {
        let row = self.query_opt(sql, params).await?;
        row.ok_or(Error::NoRow)
    }

    async fn round_trip(&self, sql: &str, params: Params<'_>, limit: Duration) -> Result<Vec<Row>, Error> {
        let Some(client) = self.lease.client() else { return Err(Error::Busy) };
        let statement = client.prepare_cached(sql).await?;
        let begin = format!("begin read only; set local statement_timeout = {}", limit.as_millis().max(1));
        // `join!` polls in this order and each request is queued when first polled: one write, one round trip.
        let (opened, rows, ended) = join!(
            client.batch_execute(&begin),
            client.query(&statement, params),
            client.batch_execute("commit")
        );
        opened?;
        let rows = rows?;
        ended?;
        Ok(rows)
    }
}
