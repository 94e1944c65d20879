//! Settles which figures a service keeps of itself and how they are read: one meter, scraped as text and pushed over OTLP.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter, MeterProvider};
use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};

use crate::config::Invalid;

/// Upper bounds of duration buckets, in seconds: fine where people notice, coarse where time-outs are.
const DURATION_BOUNDS_S: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.0, 5.0, 10.0];

/// The process's instruments. Cloning shares them.
#[derive(Clone)]
pub struct Metrics {
    provider: SdkMeterProvider,
    registry: Registry,
    meter: Meter,
}

impl Metrics {
    /// A meter whose instruments can be scraped, and are pushed as well where there is an exporter.
    pub fn new(resource: Resource, exporter: Option<MetricExporter>) -> Result<Self, Invalid> {
        let registry = Registry::new();
        let scrape = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .build()
            .map_err(|error| Invalid::new(format!("metrics: {error}")))?;
        let mut provider = SdkMeterProvider::builder().with_reader(scrape).with_resource(resource);
        if let Some(exporter) = exporter {
            provider = provider.with_periodic_exporter(exporter);
        }
        let provider = provider.build();
        let meter = provider.meter("ent");
        Ok(Self { provider, registry, meter })
    }

    /// For tests and tools that export nothing.
    pub fn detached() -> Result<Self, Invalid> {
        Self::new(Resource::builder().build(), None)
    }

    /// Makes instruments.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// All figures in Prometheus' text format.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    pub(super) fn shutdown(&self, limit: Duration) -> OTelSdkResult {
        self.provider.shutdown_with_timeout(limit)
    }

    /// The histogram of request durations.
    pub fn requests(&self, listener: &'static str) -> RequestMetrics {
        let duration = self
            .meter
            .f64_histogram("http.server.request.duration")
            .with_unit("s")
            .with_description("Time from the request's head to the answer's head.")
            .with_boundaries(DURATION_BOUNDS_S.to_vec())
            .build();
        RequestMetrics { duration, listener }
    }
}

/// Counts requests by route and status (OpenTelemetry's semantic conventions for HTTP servers).
#[derive(Clone)]
pub struct RequestMetrics {
    duration: Histogram<f64>,
    listener: &'static str,
}

impl RequestMetrics {
    /// One request. `route` is the pattern, never the address, so that the number of series is bounded by the code. A failure of
    /// ours is counted under the `code` of its problem: being told to wait for one's turn is not the same as a database that is away.
    pub fn record(&self, method: &str, route: &str, status: u16, problem: &'static str, elapsed: Duration) {
        let labels = [
            KeyValue::new("http.request.method", known_method(method)),
            KeyValue::new("http.route", route.to_owned()),
            KeyValue::new("http.response.status_code", i64::from(status)),
            KeyValue::new("ent.listener", self.listener),
            KeyValue::new("error.type", problem),
        ];
        let is_failure = status >= 500 && !problem.is_empty();
        let used = if is_failure { labels.len() } else { labels.len() - 1 };
        self.duration.record(elapsed.as_secs_f64(), labels.get(..used).unwrap_or_default());
    }
}

/// Clients may invent methods; series may not.
fn known_method(method: &str) -> &'static str {
    match method {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}
