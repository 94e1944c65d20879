//! Settles how the two listeners of a service run: the public one for the front door, the internal one for siblings and operators.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{App, web};
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::SwaggerUi;

use super::accept::{self, Intake};
use super::{
    BodyLimits, CallerLimits, Config, EdgePolicy, OriginPolicy, PublicPolicy, RouteTable, Routes,
    internal_probes, public_probes,
};
use crate::service::{Kit, Service, status_report};

/// Sockets that are bound before anything is announced.
pub struct Listeners {
    public: TcpListener,
    internal: TcpListener,
}

impl Listeners {
    /// Binds both addresses; port 0 takes a free one.
    pub fn bind(config: &Config) -> io::Result<Self> {
        Ok(Self {
            public: accept::bind("http.public_address", config.public_address)?,
            internal: accept::bind("http.internal_address", config.internal_address)?,
        })
    }

    /// The addresses as bound: (public, internal).
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.public.local_addr()?, self.internal.local_addr()?))
    }
}

/// Both listeners, running once their futures are polled.
pub struct Servers {
    /// For the front door.
    pub public: Server,
    /// For siblings and operators.
    pub internal: Server,
}

impl Servers {
    /// Prepares both; must be called inside an actix system.
    pub fn start<S: Service>(
        service: &S,
        kit: &Kit,
        config: &Config,
        listeners: Listeners,
    ) -> io::Result<Self> {
        Ok(Self {
            public: public(service.clone(), kit.clone(), config, listeners.public)?,
            internal: internal(service.clone(), kit.clone(), config, listeners.internal)?,
        })
    }

    /// Handles to stop them: (public, internal).
    pub fn handles(&self) -> (ServerHandle, ServerHandle) {
        (self.public.handle(), self.internal.handle())
    }
}

/// Worker threads of the internal listener.
const INTERNAL_WORKERS: usize = 1;

fn public<S: Service>(service: S, kit: Kit, config: &Config, listener: TcpListener) -> io::Result<Server> {
    let body_bytes = config.body_bytes;
    let workers = config.workers.unwrap_or_else(num_cores);
    let description = openapi::<S>();
    let routes = RouteTable::of(&description);
    let public = PublicPolicy {
        origins: OriginPolicy::new(&config.origins),
        docs_path: S::DOCS_PATH,
        routes: routes.clone(),
        limits: CallerLimits::new(&config.rate_limits, &kit.clock),
        concurrency: config.concurrency,
        lag_limit: Duration::from_millis(config.lag_ms),
        loads: kit.loads.clone(),
    };
    let policy = policy(&kit, config, Some(public), "public");
    accept::serve(&intake(config, "public", workers), policy, listener, move |app| {
        app.app_data(web::Data::new(service.clone()))
            .app_data(web::Data::new(routes.clone()))
            .app_data(web::Data::new(kit.readiness.clone()))
            .app_data(web::Data::new(service.verifier().clone()))
            .app_data(web::JsonConfig::default().limit(body_bytes))
            .app_data(web::PayloadConfig::new(body_bytes))
            .configure(public_probes)
            .configure(|app| S::public_routes(&mut Routes::new(&mut ServiceConfig::new(app))))
            .service(
                SwaggerUi::new(format!("{}{{_:.*}}", S::DOCS_PATH))
                    .url(format!("/{}/openapi.json", S::NAME), description.clone()),
            );
    })
}

fn internal<S: Service>(service: S, kit: Kit, config: &Config, listener: TcpListener) -> io::Result<Server> {
    let policy = policy(&kit, config, None, "internal");
    accept::serve(&intake(config, "internal", INTERNAL_WORKERS), policy, listener, move |app| {
        app.app_data(web::Data::new(service.clone()))
            .app_data(web::Data::new(kit.readiness.clone()))
            .app_data(web::Data::new(kit.identity.clone()))
            .app_data(web::Data::new(kit.metrics.clone()))
            .app_data(web::Data::new(status_report(&service, &kit)))
            .configure(internal_probes)
            .configure(|app| service.internal_routes(app));
    })
}

fn intake(config: &Config, name: &'static str, workers: usize) -> Intake {
    Intake {
        name,
        workers,
        max_connections: config.max_connections,
        limits: accept::client_limits(Duration::from_millis(config.answer_ms)),
        drain_limit: Duration::from_millis(config.drain_ms),
    }
}

fn num_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn policy(kit: &Kit, config: &Config, public: Option<PublicPolicy>, listener: &'static str) -> EdgePolicy {
    EdgePolicy {
        clock: kit.clock.clone(),
        request_limit: Duration::from_millis(config.request_ms),
        body: BodyLimits { bytes: config.body_bytes, time: Duration::from_millis(config.body_ms) },
        trusted_proxies: config.trusted_proxies.clone(),
        public,
        readiness: kit.readiness.clone(),
        metrics: kit.metrics.requests(listener),
        attribution: kit.attribution.clone(),
        ablation: kit.breakers.ablation(),
        slow_limit: Duration::from_millis(config.slow_ms),
    }
}

/// The description of the public API, made from the routes themselves.
pub fn openapi<S: Service>() -> utoipa::openapi::OpenApi {
    let (_, described) = App::new()
        .into_utoipa_app()
        .openapi(S::openapi_head())
        .configure(|config| S::public_routes(&mut Routes::new(config)))
        .split_for_parts();
    described
}
