//! Settles how a service calls a sibling: within a deadline, a bulkhead and a retry budget, behind a breaker, with a service token.
//!
//! One breaker per sibling (`sibling:courses`) judges whole calls, not attempts: a sibling one of whose instances is away
//! is not away. Only a connection that was not taken is tried once more, on another instance.

mod error;
mod instances;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use tracing::Span;
use url::Url;

use crate::ablation::Part;
use crate::attribution::Cause;
use crate::clock::SharedClock;
use crate::config::Invalid;
use crate::context::Context;
use crate::http::TIMEOUT_HEADER;
use crate::resilience::breaker::{Breaker, Outcome, Policy, Registry};
use crate::resilience::bulkhead::Bulkhead;
use crate::resilience::retry_budget::{Failed, RetryBudget, Shares};
use crate::service_token::Identity;
use crate::telemetry::{call_span, conclude_call, traceparent_of};
use crate::tls;
pub use error::Error;
use instances::{Instance, Instances};

/// Longest time to open a connection to a sibling.
const CONNECT_LIMIT: Duration = Duration::from_millis(300);
/// Names a command, as `shared::idempotency` reads it.
const KEY_HEADER: &str = "idempotency-key";
/// Idle connections kept per instance.
const IDLE_CONNECTIONS: usize = 8;
/// Calls to one sibling at a time.
const IN_FLIGHT: usize = 64;
/// How long a call waits for a place among those.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// A sibling service. Cloning shares its connections.
#[derive(Clone)]
pub struct Sibling(Arc<Inner>);

struct Inner {
    name: &'static str,
    instances: Instances,
    client: Client,
    identity: Identity,
    engine: Handle,
    clock: SharedClock,
    breaker: Arc<Breaker>,
    bulkhead: Bulkhead,
    retries: RetryBudget,
}

impl Sibling {
    /// The sibling `name` at the internal addresses of its instances; its breaker is one of `registry`'s.
    pub fn new(
        name: &'static str,
        instances: &[Url],
        identity: Identity,
        engine: Handle,
        registry: &Registry,
    ) -> Result<Self, Invalid> {
        if instances.is_empty() {
            return Err(Invalid::new(format!("siblings.{name}: name at least one internal address")));
        }
        let invalid = |error: &dyn std::error::Error| Invalid::new(format!("siblings.{name}: {error}"));
        let breaker =
            registry.breaker(&format!("sibling:{name}"), &Policy::default()).map_err(|e| invalid(&e))?;
        let (clock, ablation) = (registry.clock().clone(), registry.ablation());
        let inner = Inner {
            name,
            instances: Instances::new(instances),
            client: client().map_err(|error| invalid(&error))?,
            identity,
            engine,
            breaker,
            bulkhead: Bulkhead::new(IN_FLIGHT).ablated(ablation.removes(Part::Bulkheads)),
            retries: RetryBudget::new(Shares::default(), clock.clone())
                .ablated(ablation.removes(Part::RetryBudgets)),
            clock,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The sibling's name.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// Asks for `path` (with query).
    pub async fn get<T: DeserializeOwned>(&self, context: &Context, path: &str) -> Result<T, Error> {
        self.call(context, &Call { path, command: None }).await
    }

    /// Has something done at `path`, which the sibling does once however often it is told under the same key.
    pub async fn command<T: DeserializeOwned>(
        &self,
        context: &Context,
        path: &str,
        key: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let body =
            serde_json::to_vec(body).map_err(|error| Error::Malformed(self.0.name, error.to_string()))?;
        self.call(context, &Call { path, command: Some((key, body.into())) }).await
    }

    async fn call<T: DeserializeOwned>(&self, context: &Context, call: &Call<'_>) -> Result<T, Error> {
        let inner = &self.0;
        let waiting = context.waiting(Cause::Bulkhead(inner.name));
        let place = inner.bulkhead.acquire(context, LONGEST_WAIT).await;
        drop(waiting);
        let _place = place.map_err(|refused| Error::no_place(inner.name, refused))?;
        let permit =
            inner.breaker.acquire().map_err(|refused| Error::Open(inner.name, refused.retry_after))?;
        inner.retries.deposit();
        let _waiting = context.waiting(Cause::DependencySlow(inner.name));
        let answer = inner.ask(context, call).await;
        permit.report(answer.as_ref().map_or_else(Error::outcome, |_| Outcome::Success));
        serde_json::from_slice(&answer?).map_err(|error| Error::Malformed(inner.name, error.to_string()))
    }
}

/// What is asked of a sibling.
struct Call<'a> {
    /// With query.
    path: &'a str,
    /// Of a command: its key, and its body as JSON.
    command: Option<(&'a str, Bytes)>,
}

impl Call<'_> {
    fn method(&self) -> &'static str {
        if self.command.is_some() { "POST" } else { "GET" }
    }
}

impl Inner {
    /// Asks one instance, and another one where the first takes no connection and the budget allows it.
    async fn ask(&self, context: &Context, call: &Call<'_>) -> Result<Bytes, Error> {
        let (first, second) = self.instances.choose(self.clock.coarse_ms());
        let no_instance = || Error::NotTaken(self.name, "there is no instance".to_owned());
        match (self.ask_instance(context, first.ok_or_else(no_instance)?, call).await, second) {
            (Err(Error::NotTaken(..)), Some(other)) if self.retries.try_withdraw(Failed::NotTaken) => {
                self.ask_instance(context, other, call).await
            }
            (answered, _) => answered,
        }
    }

    async fn ask_instance(
        &self,
        context: &Context,
        instance: &Instance,
        call: &Call<'_>,
    ) -> Result<Bytes, Error> {
        let span = call_span(self.name, call.method(), context.traceparent());
        let request = self.request(context, instance, call, &span)?;
        // On the engine runtime, where the pooled connections live.
        let call = self.engine.spawn(async move {
            let response = request.send().await?;
            let status = response.status();
            Ok::<_, reqwest::Error>((status, response.bytes().await?))
        });
        let ended = AbortOnDropHandle::new(call).await;
        let ended = ended.map_err(|error| Error::Unreachable(self.name, error.to_string()))?;
        let ended = ended.map_err(|error| self.failed(instance, error));
        conclude_call(&span, ended.as_ref().map(|(status, _)| status.as_u16()).map_err(Error::name));
        let (status, body) = ended?;
        if status.is_success() { Ok(body) } else { Err(Error::Refused(self.name, status)) }
    }

    fn request(
        &self,
        context: &Context,
        instance: &Instance,
        call: &Call<'_>,
        span: &Span,
    ) -> Result<RequestBuilder, Error> {
        let unreachable = |error: String| Error::Unreachable(self.name, error);
        let url = instance.url(call.path).map_err(|error| unreachable(format!("bad path: {error}")))?;
        let limit = context.remaining()?;
        let token = self.identity.token_for(self.name).map_err(|error| unreachable(error.to_string()))?;
        let request = match &call.command {
            None => self.client.get(url),
            Some((key, body)) => {
                let request = self.client.post(url).header(KEY_HEADER, *key);
                request.header(CONTENT_TYPE, "application/json").body(body.clone())
            }
        };
        let request = request.timeout(limit).bearer_auth(token);
        let request = request.header(TIMEOUT_HEADER, limit.as_millis().to_string());
        Ok(match traceparent_of(span).or_else(|| context.traceparent().map(str::to_owned)) {
            Some(trace) => request.header("traceparent", trace),
            None => request,
        })
    }

    /// A connection that was not taken within its own limit is the instance's fault, the caller's deadline is not. What is said of
    /// it gets into logs, so it says nothing of the address: that may name people.
    fn failed(&self, instance: &Instance, error: reqwest::Error) -> Error {
        let error = error.without_url();
        if error.is_connect() {
            instance.put_behind(self.clock.coarse_ms());
            return Error::NotTaken(self.name, error.to_string());
        }
        if error.is_timeout() { Error::Deadline } else { Error::Unreachable(self.name, error.to_string()) }
    }
}

fn client() -> reqwest::Result<Client> {
    tls::install_provider();
    Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
}

#[cfg(test)]
mod tests;
