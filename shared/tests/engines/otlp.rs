//! Settles that telemetry leaves the process: a request's trace reaches an OTLP receiver under the id that came in, with logs and metrics beside it, and one that hangs costs nothing.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;
use serde_json::json;
use shared::telemetry::{
    Config, Telemetry, TraceParent, call_span, child_traceparent, conclude_call, conclude_span, request_span,
    traceparent_of,
};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

const INCOMING: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Does `work` in a process whose telemetry goes to a receiver, and flushes it.
async fn told<T: Send + 'static>(work: impl FnOnce(&Telemetry) -> T + Send + 'static) -> (MockServer, T) {
    let receiver = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&receiver).await;
    let config: Config = serde_json::from_value(json!({ "otlp_endpoint": receiver.uri() })).unwrap();
    let done = tokio::task::spawn_blocking(move || {
        let telemetry = Telemetry::start(&config, "auth", "auth-1").unwrap();
        let done = work(&telemetry);
        telemetry.flush();
        done
    });
    (receiver, done.await.unwrap())
}

async fn spans(receiver: &MockServer) -> Vec<Span> {
    let requests = receiver.received_requests().await.unwrap();
    let traces = requests.iter().filter(|request| request.url.path() == "/v1/traces");
    let traces = traces.map(|request| ExportTraceServiceRequest::decode(request.body.as_slice()).unwrap());
    let scopes = traces.flat_map(|trace| trace.resource_spans).flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).collect()
}

fn is_error(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error)
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_logs_and_metrics_arrive_and_the_trace_keeps_its_id() {
    let incoming = TraceParent::parse(INCOMING).unwrap();
    let (receiver, child) = told(move |telemetry| {
        let elapsed = Duration::from_millis(3);
        telemetry.metrics.requests("public").record("GET", "/auth/v1/me", 200, "", elapsed);
        let (span, trace) = request_span(Some(incoming), "GET");
        let child = child_traceparent(&span, &trace);
        span.in_scope(|| tracing::info!("within the request"));
        conclude_span(&span, "GET", "/auth/v1/me", 200);
        child
    })
    .await;
    assert!(child.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{child}");
    assert!(!child.contains("00f067aa0ba902b7"), "children hang below the service's own span: {child}");
    let spans = spans(&receiver).await;
    let [span] = spans.as_slice() else { panic!("{spans:#?}") };
    let trace_id = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes();
    assert_eq!((span.trace_id.as_slice(), span.name.as_str()), (trace_id.as_slice(), "GET /auth/v1/me"));
    assert_eq!(span.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
    assert_eq!((span.kind(), is_error(span)), (SpanKind::Server, false));
    let requests = receiver.received_requests().await.unwrap();
    for (signal, needle) in [
        ("/v1/logs", b"within the request".as_slice()),
        ("/v1/logs", trace_id.as_slice()),
        ("/v1/metrics", b"http.server.request.duration".as_slice()),
    ] {
        let arrived = requests.iter().filter(|request| request.url.path() == signal);
        let is_found = arrived.clone().any(|r| r.body.windows(needle.len()).any(|window| window == needle));
        assert!(is_found, "{signal}: {} requests", arrived.count());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_with_no_trace_begins_one_and_what_fails_says_so() {
    let (receiver, trace) = told(|_| {
        let (request, trace) = request_span(None, "POST");
        let own = traceparent_of(&request).unwrap();
        assert_eq!(own.split('-').nth(1), Some(trace.trace_id().to_string().as_str()));
        for ended in [Ok(200), Ok(404), Err("unreachable")] {
            conclude_call(&call_span("auth", "GET", Some(&own)), ended);
        }
        drop(call_span("courses", "GET", None));
        conclude_span(&request, "POST", "/auth/v1/sessions", 503);
        drop(request);
        let (refused, _) = request_span(None, "GET");
        conclude_span(&refused, "GET", "/auth/v1/me", 401);
        trace
    })
    .await;
    let spans = spans(&receiver).await;
    let named = |name: &str| spans.iter().filter(|span| span.name == name).cloned().collect::<Vec<_>>();
    let (request, calls) = (&named("POST /auth/v1/sessions")[0], named("GET auth"));
    assert_eq!(request.trace_id, trace.trace_id().to_bytes());
    assert!(request.parent_span_id.is_empty() && is_error(request), "{request:?}");
    assert!(!is_error(&named("GET /auth/v1/me")[0]), "what a client does wrong is no fault of the service");
    assert!(
        calls.iter().all(|call| call.parent_span_id == request.span_id && call.kind() == SpanKind::Client)
    );
    assert_eq!(calls.iter().map(is_error).collect::<Vec<_>>(), [false, true, true]);
    let alone = &named("GET courses")[0];
    assert!(alone.parent_span_id.is_empty() && alone.trace_id != request.trace_id);
}

#[test]
fn a_receiver_that_hangs_holds_up_neither_requests_nor_the_end_and_fills_no_memory() {
    // The system accepts connections for it; nobody reads them.
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", receiver.local_addr().unwrap());
    let config: Config = serde_json::from_value(json!({ "otlp_endpoint": endpoint })).unwrap();
    let telemetry = Telemetry::start(&config, "auth", "auth-1").unwrap();
    let incoming = TraceParent::parse(INCOMING).unwrap();
    let began = Instant::now();
    // Several times what is kept for an export.
    for _ in 0..10_000 {
        let (span, _) = request_span(Some(incoming), "GET");
        span.in_scope(|| tracing::info!("within the request"));
        conclude_span(&span, "GET", "/auth/v1/me", 200);
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(3), "a request waited for an export: {took:?}");
    let kept = resident_mib();
    for _ in 0..50_000 {
        conclude_span(&request_span(Some(incoming), "GET").0, "GET", "/auth/v1/me", 200);
    }
    // Kept, they would take about 50.
    let grown = resident_mib().saturating_sub(kept);
    assert!(grown < 10, "{grown} MiB more are kept for a receiver that is away");
    let began = Instant::now();
    telemetry.flush();
    let took = began.elapsed();
    assert!(took < Duration::from_secs(7), "the end waited for it: {took:?}");
}

/// What this process takes of the machine's memory (proc(5): `VmRSS`, in KiB).
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1_024
}
