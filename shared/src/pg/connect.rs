//! Settles how a connection to PostgreSQL is opened: on the engine runtime, with every time-out of the network set.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use deadpool_postgres::Connect;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

use super::{Config, Database, Endpoint, Error};
use crate::config::Secret;
use crate::context::Context;

/// A dead peer is noticed within 5 s of silence (keepalives), unacknowledged data within 10 s.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(2);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);
const KEEPALIVE_RETRIES: u32 = 3;
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Server-side limits that hold even when this process is gone: an abandoned transaction ends, a forgotten statement too.
const SESSION_OPTIONS: &str =
    "-c idle_in_transaction_session_timeout=10s -c statement_timeout=60s -c timezone=UTC";

pub(super) fn parameters(config: &Config, server: &Endpoint, password: &Secret) -> tokio_postgres::Config {
    let mut parameters = tokio_postgres::Config::new();
    parameters
        .host(&server.host)
        .port(server.port)
        .dbname(&config.database)
        .user(&config.user)
        .password(password.expose())
        .application_name(&config.user)
        .options(SESSION_OPTIONS)
        .connect_timeout(Duration::from_millis(config.connect_ms))
        .keepalives(true)
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(KEEPALIVE_RETRIES)
        .tcp_user_timeout(TCP_USER_TIMEOUT);
    parameters
}

/// Opens connections on the runtime that owns them all.
pub(super) struct OnEngine(pub(super) Handle);

type Connecting<'a> =
    Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + 'a>>;

impl Connect for OnEngine {
    fn connect(&self, parameters: &tokio_postgres::Config) -> Connecting<'_> {
        let parameters = parameters.clone();
        let engine = self.0.clone();
        let opening = self.0.spawn(async move {
            let (client, connection) = parameters.connect(NoTls).await?;
            let driving = engine.spawn(async move {
                if let Err(error) = connection.await {
                    tracing::warn!(%error, "a PostgreSQL connection ended");
                }
            });
            Ok((client, driving))
        });
        // Aborting matters: a borrower who gives up must not leave a connection attempt behind.
        Box::pin(async move {
            let opening = tokio_util::task::AbortOnDropHandle::new(opening);
            match opening.await {
                Ok(outcome) => outcome,
                // The runtime is shutting down; the pool's limit on opening ends this wait.
                Err(_) => std::future::pending().await,
            }
        })
    }
}

/// Waits until the database answers, within `context`; tells `progress` once a second what is being waited for.
pub async fn wait_until_reachable(
    context: &Context,
    database: &Database,
    mut progress: impl FnMut(&Error),
) -> Result<(), Error> {
    loop {
        let attempt =
            Context::background(context.clock().clone(), context.remaining_up_to(Duration::from_secs(3))?);
        match database.ping(&attempt).await {
            Ok(()) => return Ok(()),
            Err(error) if !error.retryable() => return Err(error),
            Err(error) => progress(&error),
        }
        let pause = context.remaining_up_to(Duration::from_secs(1))?;
        tokio::time::sleep(pause).await;
    }
}
