//! Settles what every service stands on once its engines answer, and what it says of them in `/statusz`.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;

use super::{Config, OwnConfig, Service};
use crate::attribution::Attribution;
use crate::clock::{Clock as _, SharedClock, SystemClock};
use crate::config::{Invalid, Profile};
use crate::context::Context;
use crate::health::Readiness;
use crate::http::{StatusReport, WorkerLoads};
use crate::pg::Database;
use crate::redis::Cluster;
use crate::resilience::breaker::Registry;
use crate::runtime::Workers;
use crate::service_token::Identity;
use crate::telemetry::Metrics;
use crate::{audit, pg, redis};

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration names something unusable.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The database did not answer within the limit, or not as expected.
    #[error("PostgreSQL: {0}")]
    Database(#[from] pg::Error),
    /// The cluster did not answer within the limit.
    #[error("Redis Cluster: {0}")]
    Cluster(#[from] redis::Error),
    /// An address cannot be bound, or a thread not started.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// The common ground of a service. Cloning shares it.
#[derive(Clone)]
pub struct Kit {
    /// What kind of installation this is.
    pub profile: Profile,
    /// Name of this instance.
    pub instance: Arc<str>,
    /// When it began, by the machine's time: tells two lives of an instance apart, whatever the calendar.
    pub started_at: DateTime<Utc>,
    /// The time.
    pub clock: SharedClock,
    /// Where connections live.
    pub engine: Handle,
    /// What runs beside requests.
    pub workers: Workers,
    /// The database.
    pub database: Database,
    /// The cluster.
    pub cluster: Cluster,
    /// Who this service is to its siblings.
    pub identity: Identity,
    /// Its audit log.
    pub audit: audit::Log,
    /// Its instruments.
    pub metrics: Metrics,
    /// The breakers of everything it depends on.
    pub breakers: Registry,
    /// Why it refuses, and why it is slow.
    pub attribution: Attribution,
    /// How busy its workers are.
    pub loads: WorkerLoads,
    /// Its phase.
    pub readiness: Readiness,
}

/// How long a service waits for its engines before it gives up.
const ENGINES_LIMIT: Duration = Duration::from_mins(1);

impl Kit {
    /// Waits for both engines, saying what it waits for.
    pub async fn open<O: OwnConfig>(
        config: &Config<O>,
        service: &'static str,
        workers: Workers,
        clock: SharedClock,
        metrics: Metrics,
    ) -> Result<Self, StartError> {
        let engine = Handle::current();
        let breakers = Registry::new(clock.clone(), config.ablate);
        breakers.observe(metrics.meter());
        let loads = WorkerLoads::default();
        loads.observe(metrics.meter());
        let identity = Identity::open(&config.service_identity, service, config.profile, clock.clone())?;
        let waiting = Context::background(clock.clone(), ENGINES_LIMIT);
        let database = Database::open(&config.postgres, &breakers, &engine)?;
        let address = format!("{}:{}", config.postgres.host, config.postgres.port);
        pg::wait_until_reachable(&waiting, &database, |error| {
            tracing::warn!(address, %error, "waiting for PostgreSQL");
        })
        .await?;
        let cluster = connect_cluster(&waiting, &config.redis, &breakers, &engine).await?;
        cluster.observe(metrics.meter());
        let audit = audit_log(config, service, &database, &clock)?;
        let instance = config.instance.as_str().into();
        let started_at = SystemClock.utc();
        let readiness = Readiness::default();
        let profile = config.profile;
        Ok(Self {
            profile,
            instance,
            started_at,
            clock,
            engine,
            workers,
            database,
            cluster,
            identity,
            audit,
            attribution: Attribution::new(&metrics),
            metrics,
            breakers,
            loads,
            readiness,
        })
    }
}

/// The audit log, as the configuration wants it signed.
pub fn audit_log<O: OwnConfig>(
    config: &Config<O>,
    service: &'static str,
    database: &Database,
    clock: &SharedClock,
) -> Result<audit::Log, Invalid> {
    let key_file = &config.service_identity.key_file;
    let open = |audit: &audit::Config| audit::Checkpoints::open(audit, key_file, config.profile);
    let checkpoints = config.audit.as_ref().map(open).transpose()?;
    Ok(audit::Log::new(service, database.clone(), clock.clone(), checkpoints))
}

async fn connect_cluster(
    waiting: &Context,
    config: &redis::Config,
    breakers: &Registry,
    engine: &Handle,
) -> Result<Cluster, StartError> {
    loop {
        let error = match Cluster::connect(config, breakers, engine).await {
            Ok(cluster) => return Ok(cluster),
            Err(error) => error,
        };
        if !error.retryable() || waiting.remaining().is_err() {
            return Err(error.into());
        }
        tracing::warn!(nodes = ?config.nodes, %error, "waiting for the Redis Cluster");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// What `/statusz` answers: the phase, each dependency asked just now, and what the service adds.
pub fn status_report<S: Service>(service: &S, kit: &Kit) -> StatusReport {
    let (service, kit) = (service.clone(), kit.clone());
    Arc::new(move || {
        let (service, kit) = (service.clone(), kit.clone());
        Box::pin(async move {
            let mut report = Map::new();
            report.insert("service".to_owned(), json!(S::NAME));
            report.insert("instance".to_owned(), json!(&*kit.instance));
            report.insert("started_at".to_owned(), json!(kit.started_at));
            report.insert("version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
            report.insert("profile".to_owned(), json!(kit.profile));
            report.insert("phase".to_owned(), json!(kit.readiness.phase().name()));
            report.insert("now".to_owned(), json!(kit.clock.utc()));
            report.insert("postgres".to_owned(), postgres_status(&kit).await);
            report.insert("redis".to_owned(), redis_status(&kit).await);
            report.insert("audit".to_owned(), audit_status(&kit).await);
            report.insert("breakers".to_owned(), kit.breakers.report());
            report.insert("workers".to_owned(), kit.loads.status());
            report.insert("ablated".to_owned(), json!(kit.breakers.ablation().names()));
            report.insert("refusals_and_slow_answers".to_owned(), kit.attribution.status());
            report.extend(service.status());
            Value::Object(report)
        })
    })
}

/// How long `/statusz` waits for one dependency.
const STATUS_LIMIT: Duration = Duration::from_millis(500);

async fn postgres_status(kit: &Kit) -> Value {
    let context = Context::background(kit.clock.clone(), STATUS_LIMIT);
    let outcome = kit.database.ping(&context).await;
    let pools: Map<String, Value> = kit
        .database
        .usage()
        .into_iter()
        .map(|(name, open, lent)| (name.to_owned(), json!({ "open": open, "lent": lent })))
        .collect();
    json!({ "reachable": outcome.is_ok(), "error": outcome.err().map(|e| e.to_string()), "pools": pools })
}

async fn audit_status(kit: &Kit) -> Value {
    let context = Context::background(kit.clock.clone(), STATUS_LIMIT);
    // The folder of checkpoints is on a disk of its own, which may hang.
    match tokio::time::timeout(STATUS_LIMIT * 2, kit.audit.progress(&context)).await {
        Ok(Ok(progress)) => json!(progress),
        Ok(Err(error)) => json!({ "error": error.to_string() }),
        Err(_) => json!({ "error": "not known in time" }),
    }
}

async fn redis_status(kit: &Kit) -> Value {
    let context = Context::background(kit.clock.clone(), STATUS_LIMIT);
    let shards = kit.cluster.ping(&context).await;
    let answering = shards.iter().all(|(_, is_answering)| *is_answering);
    let shards: Map<String, Value> = shards.into_iter().map(|(address, ok)| (address, json!(ok))).collect();
    json!({ "reachable": answering && !shards.is_empty(), "shards": shards })
}
