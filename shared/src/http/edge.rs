//! Settles what happens to every request, whatever its route: checks before its body is read, a deadline, a trace, headers, one log line.

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use ipnet::IpNet;
use tracing::{Instrument, Span};

use super::admission::Admission;
use super::caller_limits::{self, CallerLimits};
use super::client_address::is_from_proxy;
use super::connection::Connection;
use super::origin::OriginPolicy;
use super::request_body::{self, BodyLimits};
use super::request_log::{self, Beginning, report};
use super::worker_load::WorkerLoads;
use super::{Problem, RouteTable, answer_headers, overload, problem};
use crate::ablation::{Ablation, Part};
use crate::attribution::Attribution;
use crate::clock::SharedClock;
use crate::context::Context;
use crate::health::{Phase, Readiness};
use crate::resilience::adaptive_limit::Bounds;
use crate::telemetry::{RequestMetrics, TraceParent, request_span};

/// Remaining milliseconds of the caller's deadline; believed only from trusted proxies and on the internal address.
pub const TIMEOUT_HEADER: &str = "x-ent-timeout-ms";

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
    /// Between which bounds each worker finds how many requests it works on at once.
    pub concurrency: Bounds,
    /// How late a worker may be, in the mean of a second, before it sheds.
    pub lag_limit: Duration,
    /// Where workers say how busy they are.
    pub loads: WorkerLoads,
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
    let has_body = request_body::is_expected(&request);
    let mut admission = Admission::of(&request, &policy);
    let public = policy.public.as_ref();
    let route = admission.route.and_then(|(number, _)| public?.routes.pattern(number));
    if admission.is_shed(started) {
        request_log::count_shed(&request, &policy, route, started);
        let mut response = request.into_response(overload::shed()).map_into_right_body();
        conclude(&mut response, &policy, connection.as_ref(), !has_body);
        return Ok(response);
    }
    let method = request.method().clone();
    let incoming = incoming_trace(&request, &policy);
    let is_told = admission.is_told(&request, &policy);
    let (span, trace) = if is_told {
        request_span(incoming, method.as_str())
    } else {
        (Span::none(), incoming.unwrap_or_else(TraceParent::mint))
    };
    let context = Context::new(
        policy.clock.clone(),
        time_limit(&request, &policy),
        Some(crate::telemetry::child_traceparent(&span, &trace)),
    )
    .ablated(policy.ablation.removes(Part::Deadlines));
    request.extensions_mut().insert(context.clone());

    let admitted = admission.pass(&mut request, &policy, &context).await;
    let is_body_read = !has_body || admitted.is_ok();
    let mut response = match admitted {
        Ok(()) => next.call(request).instrument(span.clone()).await?.map_into_left_body(),
        Err(refusal) => request.into_response(refusal.response()).map_into_right_body(),
    };
    if let Some(place) = admission.place {
        place.leave(problem::mark_of(response.response()).and_then(|mark| mark.cause));
    }
    conclude(&mut response, &policy, connection.as_ref(), is_body_read);
    if let Some(counted) = &admission.counted {
        caller_limits::add_headers(response.headers_mut(), counted);
    }
    let (context, trace, method) = (&context, &trace, method.as_str());
    let beginning = Beginning { policy: &policy, context, trace, method, started, route, is_told };
    span.in_scope(|| report(&response, &beginning));
    Ok(response)
}

/// What every answer gets, whoever made it.
fn conclude<B>(
    response: &mut ServiceResponse<B>,
    policy: &EdgePolicy,
    connection: Option<&Connection>,
    is_body_read: bool,
) {
    let goes_on = is_stream(response.headers());
    if let Some(connection) = connection {
        if goes_on { connection.answer_goes_on() } else { connection.request_ended(is_body_read) }
    }
    let docs_path = policy.public.as_ref().map(|public| public.docs_path);
    let is_docs = docs_path.is_some_and(|docs| response.request().path().starts_with(docs));
    answer_headers::add(response.headers_mut(), is_docs);
    if !is_body_read || goes_on || policy.readiness.phase() == Phase::Draining {
        // Nothing can follow a body that is not read, or an answer without an end; and from a stopping instance the front door should go elsewhere.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
}

/// Whether the answer goes on for as long as the client likes.
fn is_stream(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|mime| mime.as_bytes().starts_with(b"text/event-stream"))
}

fn incoming_trace(request: &ServiceRequest, policy: &EdgePolicy) -> Option<TraceParent> {
    let header = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    let believed = header.filter(|_| is_believed(request, policy));
    believed.and_then(TraceParent::parse)
}

fn time_limit(request: &ServiceRequest, policy: &EdgePolicy) -> Duration {
    let header = request.headers().get(TIMEOUT_HEADER).and_then(|value| value.to_str().ok());
    let asked = header.filter(|_| is_believed(request, policy)).and_then(|text| text.parse().ok());
    asked.map_or(policy.request_limit, |ms| Duration::from_millis(ms).min(policy.request_limit))
}

fn is_believed(request: &ServiceRequest, policy: &EdgePolicy) -> bool {
    policy.public.is_none() || is_from_proxy(request.request(), &policy.trusted_proxies)
}
