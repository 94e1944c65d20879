//! Settles what happens to every request, whatever its route: a deadline, a trace, the origin rule, security headers, one log line, one measurement.

use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use ipnet::IpNet;
use tracing::Instrument;

use super::caller::CallerKind;
use super::client_address::is_from_proxy;
use super::origin::OriginPolicy;
use super::problem::ProblemCode;
use crate::clock::SharedClock;
use crate::context::Context;
use crate::health::{Phase, Readiness};
use crate::telemetry::{RequestMetrics, TraceParent, request_span};

/// Remaining milliseconds of the caller's deadline; believed only from trusted proxies and on the internal address.
pub const TIMEOUT_HEADER: &str = "x-ent-timeout-ms";

/// Answers are data: a browser that shows one as a page loads and runs nothing.
const CONTENT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// Swagger UI is a page: its own scripts, its own pictures, and the styles that it writes into itself.
const DOCS_CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/// What the edge of one listener does; part of the application's data.
#[derive(Clone)]
pub struct EdgePolicy {
    /// The service's clock.
    pub clock: SharedClock,
    /// Longest time for one request.
    pub request_limit: Duration,
    /// Proxies whose headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The origin rule of the public listener; internal callers are programs with tokens, not browsers.
    pub origins: Option<OriginPolicy>,
    /// Where the pages of the API description are, on the listener that has them.
    pub docs_path: Option<&'static str>,
    /// Whether the service drains.
    pub readiness: Readiness,
    /// Where durations are counted.
    pub metrics: RequestMetrics,
}

/// The outermost middleware.
pub async fn edge<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let Some(policy) = request.app_data::<web::Data<EdgePolicy>>().cloned() else {
        return Err(super::Problem::internal().into());
    };
    let started = policy.clock.now();
    let method = request.method().clone();
    let trace = incoming_trace(&request, &policy);
    let span = request_span(&trace, method.as_str());
    let context = Context::new(
        policy.clock.clone(),
        time_limit(&request, &policy),
        Some(crate::telemetry::child_traceparent(&span, &trace)),
    );
    request.extensions_mut().insert(context.clone());

    let checked =
        policy.origins.as_ref().map_or(Ok(()), |rule| rule.check(request.method(), request.headers()));
    let mut response = match checked {
        Ok(()) => next.call(request).instrument(span.clone()).await?.map_into_left_body(),
        Err(refusal) => request.into_response(refusal.response()).map_into_right_body(),
    };
    let is_docs = policy.docs_path.is_some_and(|docs| response.request().path().starts_with(docs));
    add_headers(response.headers_mut(), if is_docs { DOCS_CONTENT_POLICY } else { CONTENT_POLICY });
    if policy.readiness.phase() == Phase::Draining {
        // The front door should open its next request elsewhere.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    span.in_scope(|| report(&response, method.as_str(), &context, started, &trace, &policy));
    Ok(response)
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
    policy.origins.is_none() || is_from_proxy(request.request(), &policy.trusted_proxies)
}

fn add_headers(headers: &mut HeaderMap, content_policy: &'static str) {
    let mut set_default = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    set_default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set_default(header::X_FRAME_OPTIONS, "DENY");
    set_default(header::REFERRER_POLICY, "no-referrer");
    set_default(header::CONTENT_SECURITY_POLICY, content_policy);
    // Answers are about the person who asked: nobody in between may keep them, unless a route says otherwise.
    set_default(header::CACHE_CONTROL, "no-store");
}

fn report<B>(
    response: &ServiceResponse<B>,
    method: &str,
    context: &Context,
    started: Instant,
    trace: &TraceParent,
    policy: &EdgePolicy,
) {
    let request = response.request();
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let status = response.status().as_u16();
    let elapsed = policy.clock.now().saturating_duration_since(started);
    let (sql_queries, redis_commands, cache_hits, cache_misses) = context.tally().read();
    let problem = response.response().extensions().get::<ProblemCode>().map_or("", |code| code.0);
    let caller = request.extensions().get::<CallerKind>().map_or("nobody", |kind| kind.0);
    policy.metrics.record(method, &route, status, elapsed);
    tracing::Span::current().record("otel.name", format!("{method} {route}"));
    tracing::Span::current().record("http.response.status_code", status);
    // Liveness and readiness are asked several times a second by machines: they are counted, not logged.
    if route.ends_with("/livez") || route.ends_with("/readyz") {
        return;
    }
    tracing::info!(
        target: "request",
        method,
        route,
        status,
        duration_ms = elapsed.as_secs_f64() * 1_000.0,
        sql_queries,
        redis_commands,
        cache_hits,
        cache_misses,
        problem,
        caller,
        trace_id = %trace.trace_id(),
        "request"
    );
}
