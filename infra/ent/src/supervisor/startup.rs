//! Settles the order in which the backend comes up, from the first folder to the last projection.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::engines::{EngineSet, start_engines, wait_for_kind};
use super::state::Options;
use super::unit::{Kind, Probe, Unit};
use super::{Board, Crew, seeding};
use crate::context::Context;
use crate::engines::{self, Durability, Haproxy};
use crate::faults::{self, slow_disk};
use crate::installation::{checkpoints, keys, tls};
use crate::machine::{self, Engines};
use crate::ports;
use crate::services::{self, Binaries, Instance, SERVICES};

/// How long the services may take to be ready.
const SERVICES_LIMIT: Duration = Duration::from_mins(1);
/// How long the front door may take.
const FRONT_DOOR_LIMIT: Duration = Duration::from_secs(20);
/// How long the fault keeper may take.
const FAULT_KEEPER_LIMIT: Duration = Duration::from_secs(10);
/// Brings everything up; on an error the caller stops whatever runs by then.
pub(crate) fn bring_up(
    context: &Context,
    board: &mut Board,
    crew: &mut Crew,
    options: &Options,
    binaries: &Binaries,
) -> Result<()> {
    let programs = machine::ensure(context)?;
    require_free_ports(options)?;
    let set = EngineSet {
        ports: ports::DEMO,
        folder: context.layout.data.clone(),
        logs: context.layout.path("logs"),
        durability: Durability::Full,
        instances: options.instances,
        slow_disk: options.faults.then(|| slow_disk::of_demo(&context.layout)),
    };
    checkpoints::ensure(&context.layout, &SERVICES)?;
    let started = start_engines(context, crew, &programs, &set, |title, work| board.step(title, |_| work()))?;
    board.processes(crew)?;
    start_fault_keeper(context, board, crew, options)?;
    board.step("Databases, keys and certificates", |_| {
        engines::ensure_databases(context, &started.admin, &SERVICES)?;
        keys::ensure(&context.layout, &SERVICES)?;
        tls::ensure(&context.layout)?;
        services::write_configs(&context.layout, &context.topology, options)?;
        Ok(String::new())
    })?;
    if options.only_engines {
        return start_front_door(context, board, crew, options, &programs);
    }
    load_data(context, board, crew, options, binaries)?;
    start_services(context, board, crew, options, binaries)?;
    start_front_door(context, board, crew, options, &programs)?;
    wait_for_projections(context, board, crew)
}

fn require_free_ports(options: &Options) -> Result<()> {
    let services = services::ports(options.instances);
    let proxies = if options.faults { faults::ports(options.instances) } else { Vec::new() };
    let front_door = [ports::HTTPS, ports::HTTP, ports::FRONT_DOOR_FIGURES];
    let all: Vec<u16> = front_door.into_iter().chain(services).chain(proxies).collect();
    ports::require_free(&all)
}

/// Before whatever goes by way of its proxies. Without `--faults` it has none, and only pauses and kills when asked.
fn start_fault_keeper(
    context: &Context,
    board: &mut Board,
    crew: &mut Crew,
    options: &Options,
) -> Result<()> {
    board.step("Fault keeper", |board| {
        crew.start(Unit {
            name: faults::KEEPER.to_owned(),
            port: None,
            launch: faults::launch(&context.layout, options.instances, options.faults),
            probe: Probe::Faults(context.layout.clone()),
            kind: Kind::Faults,
        })?;
        board.processes(crew)?;
        wait_for_kind(context, crew, Kind::Faults, "the fault keeper", FAULT_KEEPER_LIMIT)?;
        Ok(if options.faults { "with proxies" } else { "without proxies" }.to_owned())
    })
}

fn load_data(
    context: &Context,
    board: &mut Board,
    crew: &mut Crew,
    options: &Options,
    binaries: &Binaries,
) -> Result<()> {
    board.step("Migrations", |board| {
        for service in SERVICES {
            board.detail(service)?;
            crew.require_alive()?;
            services::migrate(context, binaries, service).context(
                "cannot migrate (demo data can be given up: `rm -r .ent/postgres`, then `cargo ent up`)",
            )?;
        }
        Ok(String::new())
    })?;
    board.step("Demo data", |board| {
        // A load that was broken off has left parts: only a replacement makes it whole.
        let is_replacing = !options.dataset.is_complete;
        seeding::load(context, binaries, &options.dataset, is_replacing, |text| board.detail(text))?;
        Ok(options.dataset.name())
    })
}

fn start_services(
    context: &Context,
    board: &mut Board,
    crew: &mut Crew,
    options: &Options,
    binaries: &Binaries,
) -> Result<()> {
    board.step("Services", |board| {
        for instance in Instance::all(options.instances) {
            crew.start(Unit {
                name: instance.name(),
                port: Some(instance.public_address().port()),
                launch: instance.launch(&context.layout, binaries),
                probe: Probe::Readyz(instance.internal_address()),
                kind: Kind::Service,
            })?;
        }
        board.processes(crew)?;
        wait_for_kind(context, crew, Kind::Service, "the services to be ready", SERVICES_LIMIT)?;
        Ok(format!("{} x {}", SERVICES.join(", "), options.instances))
    })
}

fn start_front_door(
    context: &Context,
    board: &mut Board,
    crew: &mut Crew,
    options: &Options,
    programs: &Engines,
) -> Result<()> {
    board.step("Front door", |board| {
        let haproxy = Haproxy::new(programs, &context.layout);
        let all = Instance::all(options.instances);
        let addresses = |service| {
            let of = all.iter().filter(|instance| instance.service == service);
            of.map(Instance::public_address).collect()
        };
        haproxy.prepare(&SERVICES.map(|service| (service, addresses(service))))?;
        crew.start(Unit {
            name: "haproxy".to_owned(),
            port: Some(ports::HTTPS),
            launch: haproxy.launch(),
            probe: Probe::Port(ports::HTTPS),
            kind: Kind::FrontDoor,
        })?;
        wait_for_kind(context, crew, Kind::FrontDoor, "HAProxy", FRONT_DOOR_LIMIT)?;
        board.processes(crew)?;
        Ok(format!("https://localhost:{}", ports::HTTPS))
    })
}

fn wait_for_projections(context: &Context, board: &mut Board, crew: &mut Crew) -> Result<()> {
    board.step("Projections", |board| {
        services::wait_for_projections(context, |reason| {
            crew.require_alive()?;
            board.detail(reason)
        })?;
        Ok("up to date".to_owned())
    })
}
