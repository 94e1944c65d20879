//! Settles what leaves a service for those who watch it: JSON lines on standard output, metrics to scrape, and OTLP when an endpoint is configured.

mod metrics;
mod trace;

use std::time::Duration;

use garde::Validate;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::Deserialize;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};
use url::Url;

use crate::config::Invalid;
pub use metrics::{Metrics, RequestMetrics};
pub use trace::{TraceParent, child_traceparent, conclude_span, request_span};

/// What is logged, and where telemetry goes.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Filter of log lines, such as `info` or `info,shared::feed=debug`.
    #[garde(skip)]
    pub level: String,
    /// Base address of an OTLP/HTTP receiver, such as `http://collector:4318`. Without one nothing is exported.
    #[garde(skip)]
    pub otlp_endpoint: Option<Url>,
}

impl Default for Config {
    fn default() -> Self {
        Self { level: "info".to_owned(), otlp_endpoint: None }
    }
}

/// How long one export may take: a receiver that hangs must not hold up shutdown.
const EXPORT_LIMIT: Duration = Duration::from_secs(3);

/// What must be flushed before the process ends, and what `/metrics` reads.
pub struct Telemetry {
    /// The instruments of this process.
    pub metrics: Metrics,
    exporters: Option<Exporters>,
}

struct Exporters {
    traces: SdkTracerProvider,
    logs: SdkLoggerProvider,
}

impl Telemetry {
    /// Starts logging for the whole process; a second call in the same process fails.
    pub fn start(config: &Config, service: &'static str, instance: &str) -> Result<Self, Invalid> {
        let filter = || {
            EnvFilter::try_new(&config.level)
                .map_err(|error| Invalid::new(format!("telemetry.level: {error}")))
        };
        let lines = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_filter(filter()?);
        let resource = Resource::builder()
            .with_service_name(service)
            .with_attribute(KeyValue::new("service.instance.id", instance.to_owned()))
            .build();
        let registry = tracing_subscriber::registry().with(lines);
        let Some(endpoint) = &config.otlp_endpoint else {
            registry.try_init().map_err(|error| Invalid::new(format!("telemetry: {error}")))?;
            return Ok(Self { metrics: Metrics::new(resource, None)?, exporters: None });
        };
        crate::tls::install_provider();
        let exporters = Exporters::open(endpoint, &resource)?;
        let spans = tracing_opentelemetry::layer().with_tracer(exporters.traces.tracer(service));
        let logs = opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge::new(&exporters.logs);
        registry
            .with(spans.with_filter(filter()?))
            .with(logs.with_filter(filter()?))
            .try_init()
            .map_err(|error| Invalid::new(format!("telemetry: {error}")))?;
        let metrics = Metrics::new(resource, Some(metric_exporter(endpoint)?))?;
        Ok(Self { metrics, exporters: Some(exporters) })
    }

    /// Sends what has not been sent yet. Blocks for a few seconds at most.
    pub fn flush(&self) {
        let Some(exporters) = &self.exporters else { return };
        let outcomes = [
            exporters.traces.shutdown_with_timeout(EXPORT_LIMIT),
            exporters.logs.shutdown_with_timeout(EXPORT_LIMIT),
            self.metrics.shutdown(EXPORT_LIMIT),
        ];
        for error in outcomes.into_iter().filter_map(Result::err) {
            tracing::warn!(%error, "telemetry was not flushed completely");
        }
    }
}

impl Exporters {
    fn open(endpoint: &Url, resource: &Resource) -> Result<Self, Invalid> {
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
        Ok(Self {
            traces: SdkTracerProvider::builder()
                .with_batch_exporter(spans)
                .with_resource(resource.clone())
                .build(),
            logs: SdkLoggerProvider::builder()
                .with_batch_exporter(logs)
                .with_resource(resource.clone())
                .build(),
        })
    }
}

fn metric_exporter(endpoint: &Url) -> Result<MetricExporter, Invalid> {
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
