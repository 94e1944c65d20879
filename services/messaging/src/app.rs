//! Settles what messaging is made of once its engines answer.

use std::path::PathBuf;

use actix_web::web;
use refinery::Runner;
use serde_json::{Map, Value, json};
use shared::feed::{Consumer, Projection, ProjectionStatus};
use shared::http::Routes;
use shared::idempotency::Sweeper;
use shared::pg::Database;
use shared::service::{Kit, SeedPlan, Service, StartError};
use shared::session::{Keyring, Verifier, follow_jwks};
use shared::siblings::Sibling;
use url::Url;
use utoipa::OpenApi;

use crate::config::Config;
use crate::{http, store};

mod migrations {
    refinery::embed_migrations!("migrations");
}

/// The open service.
#[derive(Clone)]
pub struct Messaging {
    database: Database,
    verifier: Verifier,
    auth: Sibling,
    courses: Sibling,
    keyring: Keyring,
    jwks_cache_file: PathBuf,
    directory: ProjectionStatus,
    roster: ProjectionStatus,
}

impl Messaging {
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }
}

impl Service for Messaging {
    const NAME: &'static str = "messaging";
    const DOCS_PATH: &'static str = "/messaging/docs/";
    type Own = Config;

    fn migrations() -> Runner {
        migrations::migrations::runner()
    }

    fn seed_plan() -> SeedPlan {
        store::seed::PLAN
    }

    fn openapi_head() -> utoipa::openapi::OpenApi {
        http::Head::openapi()
    }

    fn public_routes(routes: &mut Routes<'_, '_>) {
        http::public(routes);
    }

    fn internal_routes(&self, _: &mut web::ServiceConfig) {}

    async fn open(own: &Config, kit: &Kit) -> Result<Self, StartError> {
        let keyring = Keyring::default();
        let sibling = |name, instances: &[Url]| {
            Sibling::new(name, instances, kit.identity.clone(), kit.engine.clone(), &kit.breakers)
        };
        Ok(Self {
            database: kit.database.clone(),
            verifier: Verifier::new(keyring.clone(), kit.clock.clone()),
            auth: sibling("auth", &own.siblings.auth)?,
            courses: sibling("courses", &own.siblings.courses)?,
            keyring,
            jwks_cache_file: own.access_tokens.jwks_cache_file.clone(),
            directory: ProjectionStatus::default(),
            roster: ProjectionStatus::default(),
        })
    }

    fn start_workers(&self, kit: &Kit) {
        kit.workers.spawn(|stop| kit.audit.clone().run(stop));
        let (keyring, auth, file) = (self.keyring.clone(), self.auth.clone(), self.jwks_cache_file.clone());
        kit.workers.spawn(|stop| follow_jwks(keyring, auth, kit.clock.clone(), file, stop));
        kit.workers.spawn(|stop| Sweeper::new(kit.database.clone(), kit.clock.clone()).run(stop));
        let follow = |source: &Sibling, projections: &'static [Projection], status: &ProjectionStatus| {
            let (database, cluster, clock) = (kit.database.clone(), kit.cluster.clone(), kit.clock.clone());
            let consumer =
                Consumer::new(source.clone(), database, cluster, clock, projections, status.clone());
            kit.workers.spawn(|stop| consumer.run(stop));
        };
        follow(&self.auth, store::directory::FROM_AUTH, &self.directory);
        follow(&self.courses, store::roster::FROM_COURSES, &self.roster);
    }

    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn status(&self) -> Map<String, Value> {
        let projections = json!({ "auth": self.directory.report(), "courses": self.roster.report() });
        [("projections".to_owned(), projections)].into_iter().collect()
    }
}
