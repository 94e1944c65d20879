//! Settles that telemetry leaves the process: a request's trace reaches an OTLP receiver under the id that came in, with logs and metrics beside it.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;
use shared::telemetry::{Config, Telemetry, TraceParent, child_traceparent, conclude_span, request_span};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

#[tokio::test(flavor = "multi_thread")]
async fn traces_logs_and_metrics_arrive_and_the_trace_keeps_its_id() {
    let receiver = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&receiver).await;
    let config: Config = serde_json::from_value(json!({ "otlp_endpoint": receiver.uri() })).unwrap();
    let incoming = TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
    let child = tokio::task::spawn_blocking(move || {
        let telemetry = Telemetry::start(&config, "auth", "auth-1").unwrap();
        telemetry.metrics.requests("public").record("GET", "/auth/v1/me", 200, Duration::from_millis(3));
        let span = request_span(&incoming, "GET");
        let child = child_traceparent(&span, &incoming);
        span.in_scope(|| tracing::info!("within the request"));
        conclude_span(&span, "GET", "/auth/v1/me", 200);
        drop(span);
        telemetry.flush();
        child
    });
    let child = child.await.unwrap();
    assert!(child.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{child}");
    assert!(!child.contains("00f067aa0ba902b7"), "children hang below the service's own span: {child}");
    let requests = receiver.received_requests().await.unwrap();
    let trace_id = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes();
    for (signal, needle) in [
        ("/v1/traces", trace_id.as_slice()),
        ("/v1/traces", b"GET /auth/v1/me".as_slice()),
        ("/v1/traces", b"http.response.status_code".as_slice()),
        ("/v1/logs", b"within the request".as_slice()),
        ("/v1/metrics", b"http.server.request.duration".as_slice()),
    ] {
        let arrived = requests.iter().filter(|request| request.url.path() == signal);
        let is_found = arrived.clone().any(|r| r.body.windows(needle.len()).any(|window| window == needle));
        assert!(is_found, "{signal}: {} requests", arrived.count());
    }
    let logs = requests.iter().filter(|request| request.url.path() == "/v1/logs");
    let is_joined = logs.clone().any(|r| r.body.windows(16).any(|window| window == trace_id));
    assert!(is_joined, "a log line within the request carries the trace's id");
}

#[test]
fn a_receiver_that_hangs_holds_up_neither_requests_nor_the_end() {
    // The system accepts connections for it; nobody reads them.
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", receiver.local_addr().unwrap());
    let config: Config = serde_json::from_value(json!({ "otlp_endpoint": endpoint })).unwrap();
    let telemetry = Telemetry::start(&config, "auth", "auth-1").unwrap();
    let incoming = TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
    let began = Instant::now();
    // Several times what is kept for an export.
    for _ in 0..10_000 {
        let span = request_span(&incoming, "GET");
        span.in_scope(|| tracing::info!("within the request"));
        conclude_span(&span, "GET", "/auth/v1/me", 200);
    }
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "a request waited for an export: {:?}",
        began.elapsed()
    );
    let began = Instant::now();
    telemetry.flush();
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}
