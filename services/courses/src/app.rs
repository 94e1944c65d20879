//! Settles what courses is made of once its engines answer.

use actix_web::web;
use refinery::Runner;
use serde_json::{Map, Value, json};
use shared::feed::{Consumer, ProjectionStatus, Publisher};
use shared::http::Routes;
use shared::idempotency::Sweeper;
use shared::pg::Database;
use shared::service::{Kit, SeedPlan, Service, StartError};
use shared::session::{ResourceServer, Verifier};
use shared::siblings::Sibling;
use url::Url;
use utoipa::OpenApi;

use crate::config::Config;
use crate::domain::shelf::Shelf;
use crate::{http, store};

mod migrations {
    refinery::embed_migrations!("migrations");
}

/// The open service.
#[derive(Clone)]
pub struct Courses {
    database: Database,
    shelf: Shelf,
    sessions: ResourceServer,
    publisher: Publisher,
    auth: Sibling,
    directory: ProjectionStatus,
}

impl Courses {
    pub(crate) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }
}

impl Service for Courses {
    const NAME: &'static str = "courses";
    const DOCS_PATH: &'static str = "/courses/docs/";
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

    fn internal_routes(&self, routes: &mut web::ServiceConfig) {
        routes.app_data(web::Data::new(self.publisher.clone())).configure(http::internal);
    }

    async fn open(own: &Config, kit: &Kit) -> Result<Self, StartError> {
        let sibling = |name, instances: &[Url]| {
            Sibling::new(name, instances, kit.identity.clone(), kit.engine.clone(), &kit.breakers)
        };
        let auth = sibling("auth", &own.siblings.auth)?;
        Ok(Self {
            database: kit.database.clone(),
            shelf: Shelf::new(kit),
            sessions: ResourceServer::open(&own.access_tokens, &auth, kit).await,
            publisher: Publisher::new(
                Self::NAME,
                kit.database.clone(),
                kit.cluster.clone(),
                kit.clock.clone(),
            ),
            auth,
            directory: ProjectionStatus::default(),
        })
    }

    fn start_workers(&self, kit: &Kit) {
        kit.workers.spawn(|stop| kit.audit.clone().run(stop));
        self.sessions.start_workers(kit);
        self.shelf.start_hearing(kit);
        kit.workers.spawn(|stop| self.publisher.clone().run(stop));
        kit.workers.spawn(|stop| Sweeper::new(kit.database.clone(), kit.clock.clone()).run(stop));
        let directory = Consumer::new(
            self.auth.clone(),
            kit.database.clone(),
            kit.cluster.clone(),
            kit.clock.clone(),
            store::directory::FROM_AUTH,
            self.directory.clone(),
        );
        kit.workers.spawn(|stop| directory.run(stop));
    }

    fn verifier(&self) -> &Verifier {
        self.sessions.verifier()
    }

    fn status(&self) -> Map<String, Value> {
        let projections = json!({ "auth": self.directory.report() });
        let projections = ("projections".to_owned(), projections);
        [projections, ("revocations".to_owned(), self.sessions.status())].into_iter().collect()
    }
}
