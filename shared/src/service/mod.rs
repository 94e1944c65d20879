//! Settles what a service is made of and how it lives: configuration, engines, routes, workers, probes, an orderly end.

mod certificate;
mod cli;
mod kit;
mod run;
mod seed;

use actix_web::web;
use garde::Validate;
use refinery::Runner;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::openapi::OpenApi;

use crate::config::{CrossChecked, Invalid, Profile};
use crate::session::Verifier;
use crate::{http, pg, redis, service_token, telemetry};
pub use cli::main;
pub use kit::{Kit, StartError, status_report};
pub use run::serve_on;
pub use seed::{SeedError, SeedPlan, seed};

/// The concerns that every service's configuration has.
pub struct Concerns<'a> {
    /// What kind of installation this is.
    pub profile: Profile,
    /// Name of this instance in logs and telemetry.
    pub instance: &'a str,
    /// Listeners.
    pub http: &'a http::Config,
    /// Database.
    pub postgres: &'a pg::Config,
    /// Cluster.
    pub redis: &'a redis::Config,
    /// Logs, metrics, traces.
    pub telemetry: &'a telemetry::Config,
    /// Keys between services.
    pub service_identity: &'a service_token::Config,
}

/// A service's configuration.
pub trait Configuration: DeserializeOwned + Validate<Context = ()> + CrossChecked {
    /// The common part of it.
    fn concerns(&self) -> Concerns<'_>;
}

/// A service; the value is its open state, cloned into every worker.
pub trait Service: Clone + Send + Sync + 'static {
    /// Name of the service, first segment of its public paths, name of its database role.
    const NAME: &'static str;
    /// Its configuration.
    type Config: Configuration;

    /// The schema, as numbered migrations.
    fn migrations() -> Runner;
    /// What a demo data set consists of.
    fn seed_plan() -> SeedPlan;
    /// Title and introduction of the API description.
    fn openapi_head() -> OpenApi;
    /// The public routes.
    fn public_routes(routes: &mut utoipa_actix_web::service_config::ServiceConfig<'_>);
    /// The routes for siblings.
    fn internal_routes(&self, routes: &mut web::ServiceConfig);

    /// Opens the service's own parts on engines that answer.
    fn open(config: &Self::Config, kit: &Kit) -> impl Future<Output = Result<Self, StartError>> + Send;
    /// Starts what runs beside requests.
    fn start_workers(&self, kit: &Kit);
    /// What checks access tokens.
    fn verifier(&self) -> &Verifier;
    /// What the service adds to `/statusz`.
    fn status(&self) -> Map<String, Value>;
}

/// Checks what a configuration file names, without touching an engine.
pub fn check<C: Configuration>(config: &C) -> Result<(), Invalid> {
    let concerns = config.concerns();
    crate::config::must_be_file("postgres.password_file", &concerns.postgres.password_file)?;
    if let Some(file) = &concerns.redis.password_file {
        crate::config::must_be_file("redis.password_file", file)?;
    }
    if let Some(file) = &concerns.http.front_door_certificate {
        certificate::check(file, concerns.profile)?;
    }
    service_token::Identity::open(
        concerns.service_identity,
        "check",
        concerns.profile,
        crate::clock::system_clock(),
    )?;
    Ok(())
}
