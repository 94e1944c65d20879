//! Settles what leaves a service for those who watch it: JSON lines on standard output, metrics to scrape, and OTLP when an endpoint is configured.

mod exporters;
mod metrics;
mod trace;

use garde::Validate;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use serde::Deserialize;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};
use url::Url;

use crate::config::Invalid;
use exporters::{EXPORT_LIMIT, Exporters, metric_exporter};
pub use metrics::{Metrics, RequestMetrics};
pub use trace::{
    TraceParent, call_span, child_traceparent, conclude_call, conclude_span, request_span, traceparent_of,
};

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

/// What must be flushed before the process ends, and what `/metrics` reads.
pub struct Telemetry {
    /// The instruments of this process.
    pub metrics: Metrics,
    exporters: Option<Exporters>,
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
        // Where in the code a span was opened, and on which thread, is the same for all of them.
        let spans = tracing_opentelemetry::layer()
            .with_tracer(exporters.traces.tracer(service))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false);
        let logs = opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge::new(&exporters.logs);
        registry
            .with(spans.with_filter(filter()?))
            .with(logs.with_filter(filter()?))
            .try_init()
            .map_err(|error| Invalid::new(format!("telemetry: {error}")))?;
        let metrics = Metrics::new(resource, Some(metric_exporter(endpoint)?))?;
        Ok(Self { metrics, exporters: Some(exporters) })
    }

    /// Sends what has not been sent yet, all at once. Blocks for 5 s at most, which is the limit that the metrics' exporter sets itself.
    pub fn flush(&self) {
        let Some(exporters) = &self.exporters else { return };
        let warn = |outcome: OTelSdkResult| {
            if let Err(error) = outcome {
                tracing::warn!(%error, "telemetry was not flushed completely");
            }
        };
        std::thread::scope(|threads| {
            threads.spawn(|| warn(exporters.traces.shutdown_with_timeout(EXPORT_LIMIT)));
            threads.spawn(|| warn(exporters.logs.shutdown_with_timeout(EXPORT_LIMIT)));
            warn(self.metrics.shutdown(EXPORT_LIMIT));
        });
    }
}
