//! Settles when a connection may be lent again: only when nothing runs on it, whatever became of its last borrower.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Object;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

/// How long the clean-up of an abandoned connection may take before the connection is closed instead.
const CLEAN_UP_LIMIT: Duration = Duration::from_millis(500);

/// A borrowed connection. Dropped while not idle, it is cleaned before anyone else gets it.
pub(super) struct Lease {
    object: Option<Object>,
    way: Way,
    state: State,
}

/// What the server may be doing on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing, outside any transaction.
    Idle,
    /// Nothing, inside a transaction.
    Open,
    /// A statement whose end nobody has seen.
    Running,
}

/// Where clean-up happens: the runtime that owns connections, and the server's `host:port`.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) engine: Handle,
    pub(super) server: Arc<str>,
}

impl Lease {
    pub(super) fn new(object: Object, way: Way) -> Self {
        Self { object: Some(object), way, state: State::Idle }
    }

    pub(super) fn set(&mut self, state: State) {
        self.state = state;
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// The client; `None` only after the lease has ended.
    pub(super) fn client(&self) -> Option<&Object> {
        self.object.as_ref()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        let state = self.state;
        if state == State::Idle {
            return;
        }
        let server = self.way.server.clone();
        self.way.engine.spawn(async move {
            if !matches!(timeout(CLEAN_UP_LIMIT, clean_up(&object, state, &server)).await, Ok(Ok(()))) {
                tracing::warn!("closed a PostgreSQL connection that could not be cleaned in time");
                // Taken out of the pool and dropped: closing is the one way left to make it harmless.
                drop(Object::take(object));
            }
        });
    }
}

/// Cancels what runs, then rolls back. The order and the wait for the cancel connection's end matter:
/// the server closes it after it has signalled the backend, so a rollback that succeeds afterwards
/// proves that no late cancellation can hit the next borrower.
async fn clean_up(object: &Object, state: State, server: &str) -> Result<(), std::io::Error> {
    if state == State::Running {
        cancel(object, server).await?;
    }
    loop {
        match object.batch_execute("rollback").await {
            Ok(()) => return Ok(()),
            // The cancellation hit the rollback itself: it is spent now, and the rollback is sent again.
            Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => {}
            Err(error) => return Err(std::io::Error::other(error)),
        }
    }
}

async fn cancel(object: &Object, server: &str) -> Result<(), std::io::Error> {
    let token = object.cancel_token();
    let mut stream = TcpStream::connect(server).await?;
    token.cancel_query_raw(&mut stream, NoTls).await.map_err(std::io::Error::other)?;
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await?;
    Ok(())
}
