//! Settles how machines ask after a service: alive, ready, in what state, with which figures.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, Resource, web};
use serde_json::Value;

use super::Problem;
use super::route_table::wrong_method;
use crate::health::{Phase, Readiness};
use crate::telemetry::Metrics;

/// Collects what `/statusz` shows.
pub type StatusReport = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Value>>> + Send + Sync>;

/// `/livez` and `/readyz`, for whoever routes requests here.
pub fn public_probes(config: &mut web::ServiceConfig) {
    config
        .service(probe("/livez").route(web::get().to(livez)))
        .service(probe("/readyz").route(web::get().to(readyz)));
}

/// The same, with `/statusz` and `/metrics`, for operators.
pub fn internal_probes(config: &mut web::ServiceConfig) {
    public_probes(config);
    config
        .service(probe("/statusz").route(web::get().to(statusz)))
        .service(probe("/metrics").route(web::get().to(metrics)));
}

fn probe(path: &str) -> Resource {
    web::resource(path).default_service(web::to(async || wrong_method("GET")))
}

async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "alive": true }))
}

async fn readyz(readiness: web::Data<Readiness>) -> Result<HttpResponse, Problem> {
    match readiness.phase() {
        Phase::Ready => Ok(HttpResponse::Ok().json(serde_json::json!({ "ready": true }))),
        Phase::Starting | Phase::Draining => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_ready",
            "This instance is starting or stopping: ask another one.",
        )),
    }
}

async fn statusz(report: web::Data<StatusReport>) -> HttpResponse {
    HttpResponse::Ok().json(report().await)
}

async fn metrics(metrics: web::Data<Metrics>) -> Result<HttpResponse, Problem> {
    let text = metrics.render().map_err(|error| {
        tracing::error!(%error, "the metrics could not be rendered");
        Problem::internal()
    })?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text))
}
