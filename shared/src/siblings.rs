//! Settles how a service calls a sibling: its instances in turn, a service token, the caller's deadline and trace, and no wait without a limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use url::Url;

use crate::config::Invalid;
use crate::context::{Context, DeadlinePassed};
use crate::http::TIMEOUT_HEADER;
use crate::service_token::Identity;
use crate::tls;

/// Longest time to open a connection to a sibling.
const CONNECT_LIMIT: Duration = Duration::from_millis(300);
/// Idle connections kept per instance.
const IDLE_CONNECTIONS: usize = 8;

/// A failure of a call to a sibling.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Whoever asked is gone.
    #[error("the deadline passed before the sibling answered")]
    Deadline,
    /// No instance took the call, or the answer did not come.
    #[error("{0} cannot be reached: {1}")]
    Unreachable(&'static str, String),
    /// The sibling answered with an error status.
    #[error("{0} refused with status {1}")]
    Refused(&'static str, StatusCode),
    /// The answer is not what its API description promises.
    #[error("{0} answered something else than promised: {1}")]
    Malformed(&'static str, String),
}

impl Error {
    /// Whether the same call may succeed later without any change to it.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Deadline | Self::Unreachable(..) => true,
            Self::Refused(_, status) => status.is_server_error(),
            Self::Malformed(..) => false,
        }
    }
}

impl From<DeadlinePassed> for Error {
    fn from(_: DeadlinePassed) -> Self {
        Self::Deadline
    }
}

/// A sibling service. Cloning shares its connections.
#[derive(Clone)]
pub struct Sibling(Arc<Inner>);

struct Inner {
    name: &'static str,
    instances: Vec<Url>,
    next: AtomicUsize,
    client: Client,
    identity: Identity,
    engine: Handle,
}

impl Sibling {
    /// The sibling `name` at the internal addresses of its instances.
    pub fn new(
        name: &'static str,
        instances: &[Url],
        identity: Identity,
        engine: Handle,
    ) -> Result<Self, Invalid> {
        if instances.is_empty() {
            return Err(Invalid::new(format!("siblings.{name}: name at least one internal address")));
        }
        tls::install_provider();
        let client = Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Invalid::new(format!("siblings.{name}: {error}")))?;
        let inner = Inner {
            name,
            instances: instances.to_vec(),
            next: AtomicUsize::new(0),
            client,
            identity,
            engine,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The sibling's name.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// Asks for `path` (with query). An instance that does not take the connection is passed over once for each other one.
    pub async fn get<T: DeserializeOwned>(&self, context: &Context, path: &str) -> Result<T, Error> {
        let first = self.0.next.fetch_add(1, Ordering::Relaxed);
        let mut last = Error::Unreachable(self.0.name, "no instance".to_owned());
        for turn in 0..self.0.instances.len() {
            match self.get_from(context, first.wrapping_add(turn), path).await {
                Err(error @ Error::Unreachable(..)) => last = error,
                answered => return answered,
            }
        }
        Err(last)
    }

    async fn get_from<T: DeserializeOwned>(
        &self,
        context: &Context,
        turn: usize,
        path: &str,
    ) -> Result<T, Error> {
        let inner = &self.0;
        let unreachable = |error: String| Error::Unreachable(inner.name, error);
        let instance = inner.instances.get(turn % inner.instances.len());
        let url = instance
            .and_then(|base| base.join(path).ok())
            .ok_or_else(|| unreachable(format!("bad path {path}")))?;
        let limit = context.remaining()?;
        let token = inner.identity.token_for(inner.name).map_err(|error| unreachable(error.to_string()))?;
        let mut request = inner
            .client
            .get(url)
            .timeout(limit)
            .bearer_auth(token)
            .header(TIMEOUT_HEADER, limit.as_millis().to_string());
        if let Some(trace) = context.traceparent() {
            request = request.header("traceparent", trace);
        }
        // On the engine runtime, where the pooled connections live.
        let call = inner.engine.spawn(async move {
            let response = request.send().await?;
            let status = response.status();
            Ok::<_, reqwest::Error>((status, response.bytes().await?))
        });
        let answer = tokio_util::task::AbortOnDropHandle::new(call).await;
        let (status, body) = answer.map_err(|error| unreachable(error.to_string()))?.map_err(|error| {
            if error.is_timeout() { Error::Deadline } else { unreachable(error.to_string()) }
        })?;
        if !status.is_success() {
            return Err(Error::Refused(inner.name, status));
        }
        serde_json::from_slice(&body).map_err(|error| Error::Malformed(inner.name, error.to_string()))
    }
}
