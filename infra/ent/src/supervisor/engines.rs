//! Settles the start of PostgreSQL and the Redis Cluster, the same for the demo and for tests.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use shared::fault::SlowDisk;

use super::Crew;
use super::unit::{Kind, Probe, Unit};
use crate::context::{Context, Progress};
use crate::engines::{self, Admin, Durability, Postgres, Redis};
use crate::faults::slow_disk;
use crate::installation::secrets;
use crate::machine::Engines;
use crate::ports::{self, EnginePorts};

/// How long PostgreSQL may take: after a crash it first replays its log.
const POSTGRES_LIMIT: Duration = Duration::from_mins(1);
/// How long a node may take to answer.
const NODE_LIMIT: Duration = Duration::from_secs(20);
/// How long six nodes may take to agree.
const CLUSTER_LIMIT: Duration = Duration::from_secs(45);

/// Which engines to start, and where.
pub(crate) struct EngineSet {
    /// Their ports.
    pub(crate) ports: EnginePorts,
    /// The folder of their data and secrets.
    pub(crate) folder: PathBuf,
    /// The folder of their logs.
    pub(crate) logs: PathBuf,
    /// What a crash of the machine may cost.
    pub(crate) durability: Durability,
    /// Instances of each service that will connect.
    pub(crate) instances: u16,
    /// The disk of PostgreSQL that can be made slow, if it is to be one.
    pub(crate) slow_disk: Option<SlowDisk>,
}

/// Started engines.
pub(crate) struct Started {
    /// PostgreSQL's superuser.
    pub(crate) admin: Admin,
    /// The password of the Redis nodes.
    pub(crate) redis_password: String,
}

/// Starts the engines and waits until they are ready; `step` does and tells one step.
pub(crate) fn start_engines(
    context: &Context,
    crew: &mut Crew,
    programs: &Engines,
    set: &EngineSet,
    mut step: impl FnMut(&str, &mut dyn FnMut() -> Result<String>) -> Result<()>,
) -> Result<Started> {
    ports::require_free(&set.ports.all())?;
    let log = set.logs.join("postgres.log");
    let postgres = Postgres::new(context, programs, &set.folder, set.ports.postgres, set.durability, log)?
        .with_instances(set.instances)
        .with_slow_disk(set.slow_disk.as_ref());
    if let Some(disk) = &set.slow_disk {
        slow_disk::prepare(context, disk)?;
    }
    step("PostgreSQL", &mut || start_postgres(context, crew, &postgres))?;
    let redis_password = secrets::ensure(&set.folder.join("secrets/redis"))?;
    let redis = Redis::new(programs, &set.folder, &set.logs, set.ports, &redis_password);
    step("Redis Cluster", &mut || start_redis(context, crew, &redis))?;
    Ok(Started { admin: postgres.admin()?, redis_password })
}

fn start_postgres(context: &Context, crew: &mut Crew, postgres: &Postgres) -> Result<String> {
    postgres.prepare(context)?;
    crew.start(Unit {
        name: "postgres".to_owned(),
        port: Some(postgres.port),
        launch: postgres.launch(),
        probe: Probe::Postgres(postgres.admin()?),
        kind: Kind::Postgres,
    })?;
    wait_for_kind(context, crew, Kind::Postgres, "PostgreSQL", POSTGRES_LIMIT)?;
    Ok(format!("127.0.0.1:{}", postgres.port))
}

fn start_redis(context: &Context, crew: &mut Crew, redis: &Redis) -> Result<String> {
    redis.prepare()?;
    let peers = redis.peers();
    for node in &redis.nodes {
        crew.start(Unit {
            name: format!("redis-{}", node.peer.address.port()),
            port: Some(node.peer.address.port()),
            launch: node.launch(),
            probe: Probe::Redis(node.peer.clone()),
            kind: Kind::Redis,
        })?;
    }
    context.wait_for("the Redis nodes to answer", NODE_LIMIT, || {
        crew.require_alive()?;
        let silent = peers.iter().find_map(|node| node.connect().err());
        Ok(silent.map_or(Progress::Reached, |error| Progress::Waiting(format!("{error:#}"))))
    })?;
    if !redis.was_formed() {
        engines::form(context, &peers)?;
    }
    context.wait_for("the Redis Cluster to be complete", CLUSTER_LIMIT, || {
        crew.require_alive()?;
        Ok(engines::readiness(&peers))
    })?;
    redis.mark_formed()?;
    let first = peers.first().map(|node| node.address.to_string()).unwrap_or_default();
    Ok(format!("{} nodes, {first}", engines::NODE_COUNT))
}

/// Waits until every process of a kind is ready; fails at once when one ends.
pub(crate) fn wait_for_kind(
    context: &Context,
    crew: &mut Crew,
    kind: Kind,
    what: &str,
    limit: Duration,
) -> Result<()> {
    context.wait_for(what, limit, || {
        crew.require_alive()?;
        Ok(crew.first_unready(context, kind).map_or(Progress::Reached, Progress::Waiting))
    })
}
