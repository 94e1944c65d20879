//! Settles how one node of the cluster is reached: a connection that a keeper opens, watches and replaces, and a bound on what is in flight.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisError,
    RedisResult,
};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Error, Limits};
use crate::attribution::Cause;
use crate::context::Context;
use crate::resilience::breaker::Breaker;

/// A node, connected or being connected. Its keeper ends with the last handle.
pub(super) struct Node {
    /// `host:port` as the cluster announces it.
    pub(super) address: Arc<str>,
    /// As causes name it: `redis:host:port`.
    pub(super) name: &'static str,
    connection: watch::Receiver<Option<MultiplexedConnection>>,
    suspected: Arc<Notify>,
    places: Semaphore,
    breaker: Arc<Breaker>,
    limits: Limits,
    _end: tokio_util::sync::DropGuard,
}

/// First and longest pause between two attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Node {
    /// Starts the keeper. `reach_as` is where the node is reached, when that is not where it says it is.
    pub(super) fn open(
        (address, name): (Arc<str>, &'static str),
        reach_as: &str,
        password: Option<&str>,
        limits: Limits,
        breaker: Arc<Breaker>,
        engine: &Handle,
    ) -> Result<Arc<Self>, Error> {
        let (host, port) = reach_as
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)))
            .ok_or_else(|| Error::Unreachable(name, format!("{reach_as} is not host:port")))?;
        let mut settings = RedisConnectionInfo::default();
        if let Some(password) = password {
            settings = settings.set_password(password);
        }
        let unusable = |error| Error::of(name, error);
        let info = ConnectionAddr::Tcp(host, port).into_connection_info().map_err(unusable)?;
        let client = Client::open(info.set_redis_settings(settings)).map_err(unusable)?;
        let (publish, connection) = watch::channel(None);
        let (suspected, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let keeper = Keeper { client, limits, publish, suspected: suspected.clone() };
        engine.spawn(stop.clone().run_until_cancelled_owned(keeper.run()));
        let places = Semaphore::new(limits.in_flight);
        Ok(Arc::new(Self {
            address,
            name,
            connection,
            suspected,
            places,
            breaker,
            limits,
            _end: stop.drop_guard(),
        }))
    }

    /// Runs one call on the node's connection, within its limits and the deadline, unless the node's breaker is open.
    pub(super) async fn run<T>(
        &self,
        context: &Context,
        call: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<RedisResult<T>, Error> {
        let permit = self.breaker.acquire().map_err(|refused| Error::Open(self.name, refused.retry_after))?;
        let wait = context.remaining_up_to(self.limits.place)?;
        let waiting = context.waiting(Cause::Bulkhead(self.name));
        let place = timeout(wait, self.places.acquire()).await.map_err(|_| Error::Busy(self.name))?;
        let _place = place.map_err(|_| Error::Busy(self.name))?;
        drop(waiting);
        let _waiting = context.waiting(Cause::DependencySlow(self.name));
        let answer = self.ask(context, call).await;
        // An error that the node itself answers (a redirection, a wrong type) is an answer.
        let is_silent = |error: &RedisError| error.is_io_error() || error.is_unrecoverable_error();
        if answer
            .as_ref()
            .map_or_else(|error| !matches!(error, Error::Deadline), |a| a.as_ref().is_err_and(is_silent))
        {
            self.suspected.notify_one();
            permit.failure();
        } else {
            permit.success();
        }
        answer
    }

    async fn ask<T>(
        &self,
        context: &Context,
        call: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<RedisResult<T>, Error> {
        let connection = self.connection(context).await?;
        let limit = context.remaining_up_to(self.limits.response)?;
        timeout(limit, call(connection)).await.map_err(|_| Error::Timeout(self.name))
    }

    /// Whether the keeper holds a connection.
    pub(super) fn is_connected(&self) -> bool {
        self.connection.borrow().is_some()
    }

    /// The connection; while there is none, a call waits no longer than connecting may take.
    async fn connection(&self, context: &Context) -> Result<MultiplexedConnection, Error> {
        if let Some(open) = self.connection.borrow().clone() {
            return Ok(open);
        }
        let limit = context.remaining_up_to(self.limits.connect)?;
        let mut connection = self.connection.clone();
        let opened = timeout(limit, connection.wait_for(Option::is_some)).await;
        let unreachable = || Error::Unreachable(self.name, "there is no connection".to_owned());
        opened.map_err(|_| unreachable())?.map_err(|_| unreachable())?.clone().ok_or_else(unreachable)
    }
}

/// Connects, waits until somebody suspects the connection, asks it, and connects anew when it does not answer.
struct Keeper {
    client: Client,
    limits: Limits,
    publish: watch::Sender<Option<MultiplexedConnection>>,
    suspected: Arc<Notify>,
}

impl Keeper {
    async fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            if let Ok(Ok(connection)) = timeout(self.limits.connect, self.connect()).await {
                pause = FIRST_PAUSE;
                self.publish.send_replace(Some(connection.clone()));
                self.watch(connection).await;
                self.publish.send_replace(None);
            } else {
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.limits.connect))
            .set_response_timeout(Some(self.limits.response));
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// Returns when the connection is of no use any more: broken, or silent to a question as well.
    async fn watch(&self, mut connection: MultiplexedConnection) {
        loop {
            self.suspected.notified().await;
            let question = redis::cmd("PING");
            let answer = timeout(self.limits.response, question.query_async::<()>(&mut connection)).await;
            if !matches!(answer, Ok(Ok(()))) {
                return;
            }
        }
    }
}
