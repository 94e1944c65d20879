//! Settles how a request is followed across processes: W3C Trace Context, minted at the front door, continued here, carried on to siblings.

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing::field::display;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::ids;

/// A `traceparent` header (W3C Trace Context, version 00).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: TraceId,
    span_id: SpanId,
    flags: TraceFlags,
}

impl TraceParent {
    /// Reads the header; anything that is not exactly version 00 with non-zero ids is no trace.
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version != "00" || parts.next().is_some() || header.bytes().any(|b| b.is_ascii_uppercase()) {
            return None;
        }
        let sized = trace.len() == 32 && span.len() == 16 && flags.len() == 2;
        let trace_id = TraceId::from_hex(trace).ok().filter(|id| sized && *id != TraceId::INVALID)?;
        let span_id = SpanId::from_hex(span).ok().filter(|id| *id != SpanId::INVALID)?;
        Some(Self { trace_id, span_id, flags: TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) })
    }

    /// A new, sampled trace, for requests that come past the front door.
    pub fn mint() -> Self {
        Self {
            trace_id: TraceId::from_bytes(ids::random_bytes()),
            span_id: SpanId::from_bytes(ids::random_bytes()),
            flags: TraceFlags::SAMPLED,
        }
    }

    /// The id that joins logs, traces and the front door's own log.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The place of a span that is exported.
    fn of(span: &Span) -> Option<Self> {
        let context = span.context();
        let own = context.span().span_context().clone();
        let place = Self { trace_id: own.trace_id(), span_id: own.span_id(), flags: own.trace_flags() };
        own.is_valid().then_some(place)
    }

    fn header(self) -> String {
        format!("00-{}-{}-{:02x}", self.trace_id, self.span_id, self.flags.to_u8())
    }
}

/// The service's span for one request, and the trace it belongs to: the one that came in, or else one that begins here.
pub fn request_span(incoming: Option<TraceParent>, method: &str) -> (Span, TraceParent) {
    let span = tracing::info_span!(
        "request",
        trace_id = incoming.map(|trace| display(trace.trace_id)),
        otel.kind = "server",
        http.request.method = method,
    );
    if let Some(trace) = incoming {
        hang_below(&span, trace);
        return (span, trace);
    }
    let trace = TraceParent::of(&span).unwrap_or_else(TraceParent::mint);
    span.record("trace_id", display(trace.trace_id));
    (span, trace)
}

/// What is known of a request's span only with its answer. It is said to the exporter alone: told to `tracing`, every span's
/// log fields would be read and written anew for it, a fifth of what a short request costs.
pub fn conclude_span(span: &Span, method: &str, route: &str, status: u16) {
    let context = span.context();
    let exported = context.span();
    if !exported.span_context().is_valid() {
        return;
    }
    exported.update_name(format!("{method} {route}"));
    exported.set_attribute(KeyValue::new("http.route", route.to_owned()));
    exported.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
    // OpenTelemetry's conventions for HTTP: what a client did wrong is no fault of the server's span.
    if status >= 500 {
        exported.set_status(Status::error(""));
    }
}

/// The span of one call to a sibling, below what it is made for; without that it begins a trace. It says which sibling and how it
/// ended, never which address: that may name people.
pub fn call_span(sibling: &'static str, method: &'static str, made_for: Option<&str>) -> Span {
    let span = tracing::info_span!(
        parent: None,
        "call",
        otel.kind = "client",
        otel.name = format_args!("{method} {sibling}"),
        http.request.method = method,
        peer.service = sibling,
    );
    if let Some(trace) = made_for.and_then(TraceParent::parse) {
        hang_below(&span, trace);
    }
    span
}

/// How a call ended: with a status, or without an answer for this reason.
pub fn conclude_call(span: &Span, ended: Result<u16, &'static str>) {
    let context = span.context();
    let exported = context.span();
    if let Ok(status) = ended {
        exported.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
    }
    if let Err(reason) = ended {
        exported.set_attribute(KeyValue::new("error.type", reason));
    }
    if ended.is_err() || ended.is_ok_and(|status| status >= 400) {
        exported.set_status(Status::error(""));
    }
}

/// What child calls of `span` send on: the span itself where spans are exported, else what came in.
pub fn child_traceparent(span: &Span, incoming: &TraceParent) -> String {
    traceparent_of(span).unwrap_or_else(|| incoming.header())
}

/// The header that makes another service's span a child of `span`; none where spans are not exported.
pub fn traceparent_of(span: &Span) -> Option<String> {
    TraceParent::of(span).map(TraceParent::header)
}

fn hang_below(span: &Span, parent: TraceParent) {
    let remote = SpanContext::new(parent.trace_id, parent.span_id, parent.flags, true, TraceState::default());
    // Fails only where no exporter is configured, and then nobody follows the trace.
    let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(remote));
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_survives_the_round_trip() {
        assert_eq!(TraceParent::parse(GOOD).unwrap().header(), GOOD);
        let minted = TraceParent::mint();
        assert_eq!(TraceParent::parse(&minted.header()), Some(minted));
    }

    #[test]
    fn anything_else_is_no_trace() {
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert_eq!(TraceParent::parse(bad), None, "{bad}");
        }
    }
}
