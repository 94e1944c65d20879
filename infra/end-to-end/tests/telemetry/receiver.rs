//! Settles how a test receives OTLP: over HTTP as a collector does, decoded by the protocol's own messages.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span as Exported;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A receiver that takes everything.
pub struct Receiver(MockServer);

/// A span as it arrived.
#[derive(Debug, Clone)]
pub struct Span {
    pub service: String,
    pub trace_id: String,
    pub id: String,
    /// Empty for the first span of a trace.
    pub parent: String,
    pub name: String,
    pub kind: SpanKind,
    pub is_error: bool,
    pub attributes: Vec<(String, String)>,
    /// What was said within it.
    pub events: Vec<(String, String)>,
    pub took_ns: u64,
}

/// A log line as it arrived.
#[derive(Debug, Clone)]
pub struct Line {
    pub service: String,
    pub trace_id: String,
    pub text: String,
}

impl Receiver {
    pub async fn start() -> Self {
        let server = MockServer::start().await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
        Self(server)
    }

    pub fn address(&self) -> String {
        self.0.uri()
    }

    /// Every span that has arrived.
    pub async fn spans(&self) -> Vec<Span> {
        let requests = self.bodies::<ExportTraceServiceRequest>("/v1/traces").await;
        let of_service = requests.into_iter().flat_map(|request| request.resource_spans);
        let spans = of_service.flat_map(|group| {
            let service = service_of(group.resource.as_ref());
            let spans: Vec<Exported> = group.scope_spans.into_iter().flat_map(|scope| scope.spans).collect();
            spans.into_iter().map(move |span| Span::of(service.clone(), span))
        });
        spans.collect()
    }

    /// Every log line that has arrived.
    pub async fn lines(&self) -> Vec<Line> {
        let requests = self.bodies::<ExportLogsServiceRequest>("/v1/logs").await;
        let of_service = requests.into_iter().flat_map(|request| request.resource_logs);
        let lines = of_service.flat_map(|group| {
            let service = service_of(group.resource.as_ref());
            let records = group.scope_logs.into_iter().flat_map(|scope| scope.log_records);
            let line = move |record: opentelemetry_proto::tonic::logs::v1::LogRecord| Line {
                service: service.clone(),
                trace_id: hex(&record.trace_id),
                text: format!("{:?} {:?}", record.body, record.attributes),
            };
            records.map(line).collect::<Vec<_>>()
        });
        lines.collect()
    }

    async fn bodies<T: Message + Default>(&self, path: &str) -> Vec<T> {
        let requests = self.0.received_requests().await.unwrap();
        let about = requests.iter().filter(|request| request.url.path() == path);
        about.map(|request| T::decode(request.body.as_slice()).unwrap()).collect()
    }
}

impl Span {
    fn of(service: String, span: Exported) -> Self {
        let pairs = |pairs: &[KeyValue]| -> Vec<(String, String)> {
            pairs.iter().map(|pair| (pair.key.clone(), text(pair.value.as_ref()))).collect()
        };
        Self {
            service,
            trace_id: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            kind: span.kind(),
            is_error: span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error),
            attributes: pairs(&span.attributes),
            events: span.events.iter().flat_map(|event| pairs(&event.attributes)).collect(),
            took_ns: span.end_time_unix_nano - span.start_time_unix_nano,
            name: span.name,
        }
    }

    /// The value of an attribute; empty where it has none.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

fn service_of(resource: Option<&Resource>) -> String {
    let attributes: BTreeMap<&str, String> = resource
        .unwrap()
        .attributes
        .iter()
        .map(|KeyValue { key, value, .. }| (&**key, text(value.as_ref())))
        .collect();
    attributes["service.name"].clone()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
