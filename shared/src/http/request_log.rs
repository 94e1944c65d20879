//! Settles what is kept of every request: one canonical log line and one measurement.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use actix_web::HttpMessage;
use actix_web::dev::{ServiceRequest, ServiceResponse};

use super::EdgePolicy;
use super::caller::{self, CallerKind};
use super::{overload, problem};
use crate::attribution::Cause;
use crate::context::Context;
use crate::telemetry::{TraceParent, conclude_span};

/// What the edge knows of a request from its beginning.
pub(super) struct Beginning<'a> {
    pub policy: &'a EdgePolicy,
    pub context: &'a Context,
    pub trace: &'a TraceParent,
    pub method: &'a str,
    pub started: Instant,
    /// Its route, where it has one of the table's.
    pub route: Option<&'a str>,
    /// Whether it is told even where nothing is wrong with it.
    pub is_told: bool,
}

/// Counts and logs a request that has its answer.
pub(super) fn report<B>(response: &ServiceResponse<B>, beginning: &Beginning<'_>) {
    let request = response.request();
    let method = beginning.method;
    // The framework finds a pattern by trying one after the other; the table has found it already.
    let matched = || request.match_pattern().map_or(Cow::Borrowed("unmatched"), Cow::Owned);
    let route = beginning.route.map_or_else(matched, Cow::Borrowed);
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
    policy.metrics.record(method, &route, status, problem, elapsed);
    conclude_span(&tracing::Span::current(), method, &route, status);
    if !beginning.is_told && refused.is_none() {
        return;
    }
    tracing::info!(
        target: "request",
        method,
        route = &*route,
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
pub(super) fn count_shed(
    request: &ServiceRequest,
    policy: &EdgePolicy,
    route: Option<&str>,
    started: Instant,
) {
    policy.attribution.refused(Cause::Shed, caller::class_of(request.request()));
    let elapsed = policy.clock.now().saturating_duration_since(started);
    let route = route.unwrap_or("unmatched");
    policy.metrics.record(request.method().as_str(), route, 503, overload::OVERLOADED, elapsed);
}
