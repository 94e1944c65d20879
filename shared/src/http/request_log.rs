//! Settles what is kept of every request: one canonical log line and one measurement.

use std::time::{Duration, Instant};

use actix_web::HttpMessage;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use rand::Rng;

use super::EdgePolicy;
use super::caller::{self, CallerKind};
use super::problem;
use crate::attribution::Cause;
use crate::context::Context;
use crate::ids;
use crate::telemetry::{TraceParent, conclude_span};

/// An extension of answers that are asked for again and again: all are counted, and so many share one line in the log.
#[derive(Debug, Clone, Copy)]
pub struct LogOneIn(pub u32);

/// What the edge knows of a request from its beginning.
pub(super) struct Beginning<'a> {
    pub policy: &'a EdgePolicy,
    pub context: &'a Context,
    pub trace: &'a TraceParent,
    pub method: &'a str,
    pub started: Instant,
}

/// Counts and logs a request that has its answer.
pub(super) fn report<B>(response: &ServiceResponse<B>, beginning: &Beginning<'_>) {
    let request = response.request();
    let method = beginning.method;
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let status = response.status().as_u16();
    let policy = beginning.policy;
    let elapsed = policy.clock.now().saturating_duration_since(beginning.started);
    let (sql_queries, redis_commands, cache_hits, cache_misses) = beginning.context.tally().read();
    let mark = problem::mark_of(response.response());
    let problem = mark.map_or("", |mark| mark.code);
    let caller = request.extensions().get::<CallerKind>().map(|kind| kind.0);
    let refused = mark.and_then(|mark| mark.cause).map(|cause| sharpen(cause, elapsed, beginning));
    let explain = || beginning.context.waits().explain(elapsed, policy.clock.now());
    let slow = (elapsed >= policy.slow_limit).then(|| refused.unwrap_or_else(explain));
    if let Some(cause) = refused {
        policy.attribution.refused(cause, caller::class_of(request));
    }
    if let Some(cause) = slow {
        policy.attribution.slow(cause, caller::class_of(request));
    }
    policy.metrics.record(method, &route, status, elapsed);
    conclude_span(&tracing::Span::current(), method, &route, status);
    let one_in = response.response().extensions().get::<LogOneIn>().map(|one_in| one_in.0);
    if one_in.is_some_and(|lines| refused.is_none() && ids::random().random_range(0..lines.max(1)) > 0) {
        return;
    }
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
        cause = refused.or(slow).map_or("", Cause::name),
        part = refused.or(slow).map_or("", Cause::part),
        caller = caller.unwrap_or("nobody"),
        trace_id = %beginning.trace.trace_id(),
        "request"
    );
}

/// A deadline that passed while something was waited for is that one's doing.
fn sharpen(cause: Cause, elapsed: Duration, beginning: &Beginning<'_>) -> Cause {
    let waits = beginning.context.waits();
    match (cause, waits.explain(elapsed, beginning.policy.clock.now())) {
        (Cause::Deadline, Cause::Unexplained) => Cause::Deadline,
        (Cause::Deadline, waited_for) => waited_for,
        (cause, _) => cause,
    }
}

/// Counts a request that was shed. It has no line of its own: there are most of them when there is least time.
pub(super) fn count_shed(request: &ServiceRequest, policy: &EdgePolicy, started: Instant) {
    policy.attribution.refused(Cause::Shed, caller::class_of(request.request()));
    let elapsed = policy.clock.now().saturating_duration_since(started);
    policy.metrics.record(request.method().as_str(), "shed", 503, elapsed);
}
