//! Settles how spans, log lines and figures leave over OTLP/HTTP, how many may wait for that, and for how long: a receiver that is away costs neither memory nor time.

use std::time::Duration;

use opentelemetry_otlp::{LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{BatchConfigBuilder as LogBatches, BatchLogProcessor, SdkLoggerProvider};
use opentelemetry_sdk::trace::{BatchConfigBuilder as SpanBatches, BatchSpanProcessor, SdkTracerProvider};
use url::Url;

use crate::config::Invalid;

/// How long one export may take: a receiver that hangs must not hold up shutdown.
pub(super) const EXPORT_LIMIT: Duration = Duration::from_secs(3);
/// Spans, and log lines, that wait for their export, about a kilobyte each; more are dropped. They are sent every five seconds, or
/// 512 at a time.
const MOST_WAITING: usize = 2_048;

/// What sends spans and log lines, each from a thread of its own.
pub(super) struct Exporters {
    pub traces: SdkTracerProvider,
    pub logs: SdkLoggerProvider,
}

impl Exporters {
    pub(super) fn open(endpoint: &Url, resource: &Resource) -> Result<Self, Invalid> {
        let spans = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(EXPORT_LIMIT)
            .with_endpoint(signal(endpoint, "traces")?)
            .build()
            .map_err(refused)?;
        let logs = LogExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(EXPORT_LIMIT)
            .with_endpoint(signal(endpoint, "logs")?)
            .build()
            .map_err(refused)?;
        let batches = SpanBatches::default().with_max_queue_size(MOST_WAITING).build();
        let spans = BatchSpanProcessor::builder(spans).with_batch_config(batches).build();
        let batches = LogBatches::default().with_max_queue_size(MOST_WAITING).build();
        let logs = BatchLogProcessor::builder(logs).with_batch_config(batches).build();
        Ok(Self {
            traces: SdkTracerProvider::builder()
                .with_span_processor(spans)
                .with_resource(resource.clone())
                .build(),
            logs: SdkLoggerProvider::builder()
                .with_log_processor(logs)
                .with_resource(resource.clone())
                .build(),
        })
    }
}

pub(super) fn metric_exporter(endpoint: &Url) -> Result<MetricExporter, Invalid> {
    MetricExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(EXPORT_LIMIT)
        .with_endpoint(signal(endpoint, "metrics")?)
        .build()
        .map_err(refused)
}

fn signal(endpoint: &Url, name: &str) -> Result<String, Invalid> {
    let base = endpoint.as_str().trim_end_matches('/');
    let url = format!("{base}/v1/{name}");
    Url::parse(&url).map(|_| url).map_err(|error| Invalid::new(format!("telemetry.otlp_endpoint: {error}")))
}

fn refused(error: impl std::fmt::Display) -> Invalid {
    Invalid::new(format!("telemetry.otlp_endpoint: {error}"))
}
