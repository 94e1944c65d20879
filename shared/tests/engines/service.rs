//! Settles the smallest service there is, for tests of what every service has.

use std::path::PathBuf;
use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{HttpResponse, get};
use garde::Validate;
use refinery::{Migration, Runner};
use serde::Deserialize;
use serde_json::{Map, Value};
use shared::config::{Invalid, Profile};
use shared::context::Context;
use shared::feed::Publisher;
use shared::http::{Access, Caller, Problem, Routes};
use shared::pg::{self, Database};
use shared::resilience::priority::Priority;
use shared::service::{Kit, OwnConfig, SeedPlan, Service, StartError};
use shared::session::{Keyring, RevocationView, Verifier};

/// Next to nothing of its own.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Nothing {
    /// Keys that access tokens are checked against, for tests of that.
    #[garde(skip)]
    jwks_file: Option<PathBuf>,
}

impl OwnConfig for Nothing {
    fn check(&self, _: Profile) -> Result<(), Invalid> {
        Ok(())
    }
}

/// One slow route, a sensitive one, and a feed.
#[derive(Clone)]
pub struct Smallest {
    /// What it knows of revocations: what the test tells it.
    pub revoked: RevocationView,
    database: Database,
    verifier: Verifier,
    publisher: Publisher,
}

impl Service for Smallest {
    const NAME: &'static str = "auth";
    const DOCS_PATH: &'static str = "/auth/docs/";
    type Own = Nothing;

    fn migrations() -> Runner {
        let feed = "create table change_feed (
            id bigint generated always as identity primary key, position bigint unique, kind text not null,
            key text not null, deleted boolean not null default false, body jsonb not null);
            create table thing (key text primary key, value integer not null);
            create table projection (source text primary key, applied bigint not null)";
        Runner::new(&[Migration::unapplied("V1__feed", feed).unwrap()])
    }

    fn seed_plan() -> SeedPlan {
        SeedPlan { tables: &[], announcements: &[] }
    }

    fn openapi_head() -> utoipa::openapi::OpenApi {
        utoipa::openapi::OpenApi::default()
    }

    fn public_routes(routes: &mut Routes<'_, '_>) {
        routes
            .serve(nap, Priority::Normal, Access::Anybody)
            .serve(act, Priority::Normal, Access::Sensitive)
            .serve(look, Priority::Normal, Access::SignedIn);
    }

    fn internal_routes(&self, routes: &mut web::ServiceConfig) {
        routes.app_data(Data::new(self.publisher.clone())).configure(shared::feed::changes_route);
    }

    async fn open(own: &Nothing, kit: &Kit) -> Result<Self, StartError> {
        let jwks = own.jwks_file.as_ref().map(|file| std::fs::read(file).unwrap());
        let keyring =
            jwks.map_or_else(Keyring::default, |jwks| Keyring::of(&serde_json::from_slice(&jwks).unwrap()));
        let revoked = RevocationView::new(kit.clock.clone());
        Ok(Self {
            database: kit.database.clone(),
            verifier: Verifier::new(keyring, revoked.clone(), kit.clock.clone()),
            revoked,
            publisher: Publisher::new(
                Self::NAME,
                kit.database.clone(),
                kit.cluster.clone(),
                kit.clock.clone(),
            ),
        })
    }

    fn start_workers(&self, kit: &Kit) {
        kit.workers.spawn(|stop| self.publisher.clone().run(stop));
    }

    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn status(&self) -> Map<String, Value> {
        Map::new()
    }
}

/// Sleeps in the database for so many milliseconds.
#[utoipa::path(responses((status = 204)))]
#[get("/auth/v1/nap/{ms}")]
async fn nap(context: Context, service: Data<Smallest>, ms: web::Path<i64>) -> Result<HttpResponse, Problem> {
    let seconds = Duration::from_millis(ms.unsigned_abs()).as_secs_f64();
    let mut reader = service.database.read(&context).await.map_err(|error| unavailable(&error))?;
    reader.query("select pg_sleep($1)", &[&seconds]).await.map_err(|error| unavailable(&error))?;
    Ok(HttpResponse::NoContent().finish())
}

/// What must not happen with a session that may have been ended.
#[utoipa::path(responses((status = 204)))]
#[get("/auth/v1/act")]
async fn act(_: Caller) -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// What may.
#[utoipa::path(responses((status = 204)))]
#[get("/auth/v1/look")]
async fn look(_: Caller) -> HttpResponse {
    HttpResponse::NoContent().finish()
}

fn unavailable(error: &pg::Error) -> Problem {
    Problem::unavailable("database_unavailable", error.to_string())
}
