//! Settles what happens to every request, whatever its route: checks before its body is read, a deadline, a trace, headers, one log line.

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use ipnet::IpNet;
use tracing::Instrument;

use super::caller::identify;
use super::caller_limits::{self, CallerLimits, Counted, CountedBy};
use super::client_address::{client_address, is_from_proxy};
use super::connection::Connection;
use super::origin::OriginPolicy;
use super::request_body::{self, BodyLimits};
use super::request_log::{Beginning, report};
use super::rules::Access;
use super::{Problem, RouteTable, answer_headers, request_head};
use crate::ablation::{Ablation, Part};
use crate::attribution::Attribution;
use crate::clock::SharedClock;
use crate::context::Context;
use crate::health::{Phase, Readiness};
use crate::telemetry::{RequestMetrics, TraceParent, request_span};

/// Remaining milliseconds of the caller's deadline; believed only from trusted proxies and on the internal address.
pub const TIMEOUT_HEADER: &str = "x-ent-timeout-ms";
/// With less time than this left, no answer would be in time: the fastest signed-in read takes about 2 ms.
const LEAST_TIME: Duration = Duration::from_millis(5);

/// What the edge of one listener does; part of the application's data.
#[derive(Clone)]
pub struct EdgePolicy {
    /// The service's clock.
    pub clock: SharedClock,
    /// Longest time for one request.
    pub request_limit: Duration,
    /// What a request's body may cost.
    pub body: BodyLimits,
    /// Proxies whose headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// What only the public listener has; internal callers are programs with tokens, not browsers.
    pub public: Option<PublicPolicy>,
    /// Whether the service drains.
    pub readiness: Readiness,
    /// Where durations are counted.
    pub metrics: RequestMetrics,
    /// Where refusals and slow answers are counted.
    pub attribution: Attribution,
    /// From which time on an answer is slow.
    pub slow_limit: Duration,
    /// What is switched off for a proof.
    pub ablation: Ablation,
}

/// What the edge does for people.
#[derive(Clone)]
pub struct PublicPolicy {
    /// Which pages may change anything.
    pub origins: OriginPolicy,
    /// Where the pages of the API description are.
    pub docs_path: &'static str,
    /// The rules of each route.
    pub routes: RouteTable,
    /// How often each caller may ask.
    pub limits: CallerLimits,
}

/// The outermost middleware.
pub async fn edge<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let Some(policy) = request.app_data::<web::Data<EdgePolicy>>().cloned() else {
        return Err(Problem::internal().into());
    };
    let started = policy.clock.now();
    let connection = request.conn_data::<Connection>().cloned();
    if let Some(connection) = &connection {
        connection.request_started();
    }
    let method = request.method().clone();
    let trace = incoming_trace(&request, &policy);
    let span = request_span(&trace, method.as_str());
    let context = Context::new(
        policy.clock.clone(),
        time_limit(&request, &policy),
        Some(crate::telemetry::child_traceparent(&span, &trace)),
    )
    .ablated(policy.ablation.removes(Part::Deadlines));
    request.extensions_mut().insert(context.clone());

    let has_body = request_body::is_expected(&request);
    let mut counted = None;
    let admitted = admit(&mut request, &policy, &context, &mut counted).await;
    let is_body_read = !has_body || admitted.is_ok();
    let mut response = match admitted {
        Ok(()) => next.call(request).instrument(span.clone()).await?.map_into_left_body(),
        Err(refusal) => request.into_response(refusal.response()).map_into_right_body(),
    };
    if let Some(connection) = &connection {
        connection.request_ended(is_body_read);
    }
    let docs_path = policy.public.as_ref().map(|public| public.docs_path);
    let is_docs = docs_path.is_some_and(|docs| response.request().path().starts_with(docs));
    answer_headers::add(response.headers_mut(), is_docs);
    if let Some(counted) = &counted {
        caller_limits::add_headers(response.headers_mut(), counted);
    }
    if !is_body_read || policy.readiness.phase() == Phase::Draining {
        // Nothing can follow a body that is not read; and from a stopping instance the front door should go elsewhere.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let beginning =
        Beginning { policy: &policy, context: &context, trace: &trace, method: method.as_str(), started };
    span.in_scope(|| report(&response, &beginning));
    Ok(response)
}

/// What can be refused without the body is refused before it is read.
async fn admit(
    request: &mut ServiceRequest,
    policy: &EdgePolicy,
    context: &Context,
    counted: &mut Option<Counted>,
) -> Result<(), Problem> {
    request_head::check(request.head())?;
    let is_hopeless = context.remaining().map_or(true, |left| left < LEAST_TIME);
    if is_hopeless && !policy.ablation.removes(Part::Deadlines) {
        return Err(Problem::deadline_exceeded());
    }
    if let Some(public) = policy.public.as_ref().filter(|_| !is_probe(request.path())) {
        public.origins.check(request.method(), request.headers())?;
        count(request, public, policy, counted)?;
    }
    let time = context.remaining_up_to(policy.body.time).map_err(|_| Problem::deadline_exceeded())?;
    request_body::receive(request, policy.body.bytes, time).await
}

/// Whoever must be signed in is, and has not asked too often.
fn count(
    request: &ServiceRequest,
    public: &PublicPolicy,
    policy: &EdgePolicy,
    counted: &mut Option<Counted>,
) -> Result<(), Problem> {
    let access = public.routes.rules_of(request.method(), request.path()).map(|rules| rules.access);
    let caller = match access {
        Some(Access::SignedIn) => Some(identify(request.request())),
        Some(Access::Anybody | Access::RefreshHandle) | None => None,
    };
    let address = || client_address(request.request(), &policy.trusted_proxies).map(CountedBy::Address);
    let counted_by = match &caller {
        Some(Ok(caller)) => Some(CountedBy::Account(caller.sub)),
        Some(Err(_)) | None => address(),
    };
    if let Some(counted_by) = counted_by.filter(|_| !policy.ablation.removes(Part::RateLimits)) {
        let (left, outcome) = public.limits.count(counted_by);
        *counted = Some(left);
        outcome?;
    }
    caller.map_or(Ok(()), |caller| caller.map(|_| ()))
}

/// Machines ask these several times a second, from wherever they are.
fn is_probe(path: &str) -> bool {
    path == "/livez" || path == "/readyz"
}

fn incoming_trace(request: &ServiceRequest, policy: &EdgePolicy) -> TraceParent {
    let header = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    let believed = header.filter(|_| is_believed(request, policy));
    believed.and_then(TraceParent::parse).unwrap_or_else(TraceParent::mint)
}

fn time_limit(request: &ServiceRequest, policy: &EdgePolicy) -> Duration {
    let header = request.headers().get(TIMEOUT_HEADER).and_then(|value| value.to_str().ok());
    let asked = header.filter(|_| is_believed(request, policy)).and_then(|text| text.parse().ok());
    asked.map_or(policy.request_limit, |ms| Duration::from_millis(ms).min(policy.request_limit))
}

fn is_believed(request: &ServiceRequest, policy: &EdgePolicy) -> bool {
    policy.public.is_none() || is_from_proxy(request.request(), &policy.trusted_proxies)
}
