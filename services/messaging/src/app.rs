//! Settles what messaging is made of once its engines answer.

use actix_web::web;
use refinery::Runner;
use serde_json::{Map, Value, json};
use shared::feed::{Consumer, Projection, ProjectionStatus};
use shared::http::Routes;
use shared::idempotency::Sweeper;
use shared::pg::Database;
use shared::service::{Kit, SeedPlan, Service, StartError};
use shared::session::{ResourceServer, Verifier};
use shared::siblings::Sibling;
use url::Url;
use utoipa::OpenApi;

use crate::config::{Config, EventStreams};
use crate::domain::account_response::AccountResponses;
use crate::domain::climate::Climates;
use crate::domain::detection::normalise::NormalText;
use crate::domain::event::Events;
use crate::domain::event::streams::Bounds;
use crate::domain::incidents::Incidents;
use crate::domain::message::Dispatch;
use crate::domain::policy::Policies;
use crate::domain::recalls::Recalls;
use crate::domain::restrictions::Restrictions;
use crate::domain::timeline::Timelines;
use crate::worker::account_response::{Waiting, Worker};
use crate::worker::restriction::{Counter, InForce};
use crate::worker::retention::{self, Retention};
use crate::{http, store, worker};

mod migrations {
    refinery::embed_migrations!("migrations");
}

/// The open service.
#[derive(Clone)]
pub struct Messaging {
    database: Database,
    dispatch: Dispatch,
    events: Events,
    alive_s: u64,
    policies: Policies,
    restrictions: Restrictions,
    in_force: InForce,
    recalls: Recalls,
    account_responses: AccountResponses,
    waiting: Waiting,
    timelines: Timelines,
    sessions: ResourceServer,
    auth: Sibling,
    courses: Sibling,
    directory: ProjectionStatus,
    roster: ProjectionStatus,
}

impl Messaging {
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    pub(crate) fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    pub(crate) fn events(&self) -> &Events {
        &self.events
    }

    pub(crate) fn policies(&self) -> &Policies {
        &self.policies
    }

    pub(crate) fn incidents(&self) -> &Incidents {
        &self.timelines.incidents
    }

    pub(crate) fn timelines(&self) -> &Timelines {
        &self.timelines
    }

    pub(crate) fn restrictions(&self) -> &Restrictions {
        &self.restrictions
    }

    pub(crate) fn recalls(&self) -> &Recalls {
        &self.recalls
    }

    pub(crate) fn account_responses(&self) -> &AccountResponses {
        &self.account_responses
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
        let sibling = |name, instances: &[Url]| {
            Sibling::new(name, instances, kit.identity.clone(), kit.engine.clone(), &kit.breakers)
        };
        let auth = sibling("auth", &own.siblings.auth)?;
        let policies = Policies::new(kit);
        let ablation = kit.breakers.ablation();
        let timelines = Timelines {
            incidents: Incidents::new(kit.database.clone()),
            database: kit.database.clone(),
            log: kit.audit.clone(),
            auth: auth.clone(),
        };
        let events = Events::new(kit.database.clone(), bounds(&own.event_streams));
        events.observe(kit.metrics.meter());
        let in_force = InForce::new(kit.clock.clone());
        in_force.observe(kit.metrics.meter());
        Ok(Self {
            in_force,
            events,
            alive_s: own.event_streams.alive_s,
            database: kit.database.clone(),
            dispatch: Dispatch {
                database: kit.database.clone(),
                policies: policies.clone(),
                climates: Climates::new(kit),
                phrases: own.review_phrases.iter().map(|phrase| NormalText::of(phrase)).collect(),
                ablation,
            },
            restrictions: Restrictions::new(kit.database.clone(), Some(policies.clone())),
            policies,
            recalls: Recalls::new(kit.database.clone(), ablation),
            account_responses: AccountResponses::new(kit.database.clone(), ablation),
            waiting: Waiting::default(),
            timelines,
            sessions: ResourceServer::open(&own.access_tokens, &auth, kit).await,
            auth,
            courses: sibling("courses", &own.siblings.courses)?,
            directory: ProjectionStatus::default(),
            roster: ProjectionStatus::default(),
        })
    }

    fn start_workers(&self, kit: &Kit) {
        kit.workers.spawn(|stop| kit.audit.clone().run(stop));
        self.sessions.start_workers(kit);
        self.policies.start_hearing(kit);
        let counter = Counter { database: kit.database.clone(), in_force: self.in_force.clone() };
        kit.workers.spawn(|stop| counter.run(stop));
        let retention = Retention { database: kit.database.clone(), clock: kit.clock.clone() };
        for kind in retention::Kind::ALL {
            kit.workers.spawn(|stop| retention.clone().run(kind, stop));
        }
        worker::event::start(&self.events, kit, self.sessions.verifier(), self.alive_s);
        kit.workers.spawn(|stop| Sweeper::new(kit.database.clone(), kit.clock.clone()).run(stop));
        let (responses, auth) = (self.account_responses.clone(), self.auth.clone());
        let worker = Worker::new(responses, auth, kit.clock.clone(), self.waiting.clone());
        kit.workers.spawn(|stop| worker.run(stop));
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
        self.sessions.verifier()
    }

    fn status(&self) -> Map<String, Value> {
        let projections = json!({ "auth": self.directory.report(), "courses": self.roster.report() });
        let projections = ("projections".to_owned(), projections);
        let revocations = ("revocations".to_owned(), self.sessions.status());
        let responses = ("account_responses".to_owned(), self.waiting.report());
        let streams = ("event_streams".to_owned(), self.events.streams().report());
        [projections, revocations, responses, streams].into_iter().collect()
    }
}

fn bounds(streams: &EventStreams) -> Bounds {
    Bounds { streams: streams.most, per_person: streams.most_of_person }
}
