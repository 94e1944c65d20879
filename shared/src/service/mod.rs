//! Settles what a service is made of and how it lives: configuration, engines, routes, workers, probes, an orderly end.

mod audit;
mod calendar;
mod certificate;
mod cli;
mod config;
mod kit;
mod operate;
mod readiness;
mod run;
mod seed;

use actix_web::web;
use refinery::Runner;
use serde_json::{Map, Value};
use utoipa::openapi::OpenApi;

use crate::http::Routes;
use crate::session::Verifier;
pub use calendar::Calendar;
pub use cli::main;
pub use config::{Config, OwnConfig};
pub use kit::{Kit, StartError, audit_log, status_report};
pub use operate::{Said, operate};
pub use run::serve_on;
pub use seed::{SeedError, SeedPlan, seed};

/// A service; the value is its open state, cloned into every worker.
pub trait Service: Clone + Send + Sync + 'static {
    /// Name of the service, first segment of its public paths, name of its database role.
    const NAME: &'static str;
    /// Where people read its API description: `/<name>/docs/`.
    const DOCS_PATH: &'static str;
    /// What only this service's configuration has.
    type Own: OwnConfig;

    /// The schema, as numbered migrations.
    fn migrations() -> Runner;
    /// What a demo data set consists of.
    fn seed_plan() -> SeedPlan;
    /// Title and introduction of the API description.
    fn openapi_head() -> OpenApi;
    /// The public routes.
    fn public_routes(routes: &mut Routes<'_, '_>);
    /// The routes for siblings.
    fn internal_routes(&self, routes: &mut web::ServiceConfig);

    /// Opens the service's own parts on engines that answer.
    fn open(own: &Self::Own, kit: &Kit) -> impl Future<Output = Result<Self, StartError>> + Send;
    /// Starts what runs beside requests.
    fn start_workers(&self, kit: &Kit);
    /// What checks access tokens.
    fn verifier(&self) -> &Verifier;
    /// What the service adds to `/statusz`.
    fn status(&self) -> Map<String, Value>;
}
