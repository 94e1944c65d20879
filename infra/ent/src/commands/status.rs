//! Settles what `status` shows, as a table for people and as JSON for programs.

use std::collections::BTreeMap;

use anyhow::Result;
use comfy_table::{Table, presets};
use serde::Serialize;

use super::accounts::{self, Account};
use super::summary;
use crate::cli;
use crate::containers;
use crate::context::Context;
use crate::faults::{self, Fault};
use crate::process::{Identity, pss_bytes};
use crate::services::SERVICES;
use crate::supervisor::{Phase, State, UnitState};
use crate::{exit, ports, ui};

#[derive(Serialize)]
struct Report {
    running: bool,
    phase: Option<Phase>,
    message: String,
    addresses: BTreeMap<String, String>,
    processes: Vec<Row>,
    faults: Vec<Fault>,
    accounts: Vec<Account>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    pid: Option<u32>,
    port: Option<u16>,
    state: UnitState,
    memory_bytes: Option<u64>,
    restarts: u32,
    detail: String,
}

/// Shows the state; exit code 0 when all is ready, 1 when something is not, 3 when nothing runs.
pub(crate) fn run(context: &Context, asked: &cli::Status) -> Result<u8> {
    if context.topology.is_containers() {
        return in_containers(context, asked);
    }
    let state = State::load_running(&context.layout);
    let rows = state.as_ref().map(rows).unwrap_or_default();
    let is_ready = state.as_ref().is_some_and(|state| state.phase == Phase::Ready)
        && rows.iter().all(|row| row.state == UnitState::Ready);
    let code = match (&state, is_ready) {
        (None, _) => exit::NOT_RUNNING,
        (Some(_), false) => exit::FAILED,
        (Some(_), true) => 0,
    };
    if asked.json {
        ui::out(&serde_json::to_string_pretty(&report(context, state.as_ref(), rows)?)?)?;
        return Ok(code);
    }
    let Some(state) = state else {
        return Err(exit::not_running());
    };
    print(context, &state, &rows)?;
    Ok(code)
}

/// Addresses and accounts; `docker compose ps` shows the containers.
fn in_containers(context: &Context, asked: &cli::Status) -> Result<u8> {
    if asked.json {
        ui::out(&serde_json::to_string_pretty(&report(context, None, Vec::new())?)?)?;
    } else {
        summary::print(context, &containers::options(context)?)?;
    }
    Ok(0)
}

fn print(context: &Context, state: &State, rows: &[Row]) -> Result<()> {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(["process", "pid", "port", "state", "memory", "restarts", "remark"]);
    for row in rows {
        table.add_row([
            row.name.clone(),
            row.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
            row.port.map_or_else(|| "-".to_owned(), |port| port.to_string()),
            in_words(row.state).to_owned(),
            row.memory_bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{} MiB", bytes >> 20)),
            row.restarts.to_string(),
            row.detail.clone(),
        ]);
    }
    ui::out(&table.to_string())?;
    let total: u64 = rows.iter().filter_map(|row| row.memory_bytes).sum();
    ui::out(&format!("Memory in all: {} MiB", total >> 20))?;
    for fault in faults::active(&context.layout) {
        ui::out(&format!("Broken on purpose: {fault}"))?;
    }
    match state.phase {
        Phase::Ready => summary::print(context, &state.options),
        Phase::Starting => {
            let step = state.steps.last().map(|step| format!(": {} {}", step.title, step.detail));
            ui::out(&format!("Starting{}", step.unwrap_or_default()))?;
            Ok(())
        }
        Phase::Failed | Phase::Stopping => Ok(ui::out(&format!("Stopping: {}", state.message))?),
    }
}

fn in_words(state: UnitState) -> &'static str {
    match state {
        UnitState::Starting => "starting",
        UnitState::Ready => "ready",
        UnitState::NotReady => "not ready",
        UnitState::Restarting => "restarting",
        UnitState::GivenUp => "given up",
        UnitState::Stopped => "stopped",
    }
}

fn rows(state: &State) -> Vec<Row> {
    let supervisor = Row {
        name: "ent".to_owned(),
        pid: Some(state.supervisor.pid),
        port: None,
        state: if state.phase == Phase::Ready { UnitState::Ready } else { UnitState::Starting },
        // Its own share only: its descendants have rows of their own.
        memory_bytes: own_memory(state),
        restarts: 0,
        detail: String::new(),
    };
    let others = state.processes.iter().map(|process| Row {
        name: process.name.clone(),
        pid: process.identity.map(|identity| identity.pid),
        port: process.port,
        state: process.state,
        memory_bytes: process.identity.and_then(pss_bytes),
        restarts: process.restarts,
        detail: process.detail.clone(),
    });
    std::iter::once(supervisor).chain(others).collect()
}

fn own_memory(state: &State) -> Option<u64> {
    let children: u64 = state.identities().into_iter().filter_map(pss_bytes).sum();
    pss_bytes(Identity { ..state.supervisor }).map(|all| all.saturating_sub(children))
}

fn report(context: &Context, state: Option<&State>, rows: Vec<Row>) -> Result<Report> {
    let front = format!("https://localhost:{}", ports::HTTPS);
    let mut addresses = BTreeMap::from([
        ("front_door".to_owned(), front.clone()),
        ("postgres".to_owned(), format!("127.0.0.1:{}", ports::DEMO.postgres)),
        ("redis".to_owned(), ports::DEMO.redis().map(|port| format!("127.0.0.1:{port}")).join(",")),
        ("certificate_authority".to_owned(), context.layout.path("tls/ca.crt").display().to_string()),
    ]);
    addresses.extend(SERVICES.map(|service| (service.to_owned(), format!("{front}/{service}/v1"))));
    Ok(Report {
        running: state.is_some(),
        phase: state.map(|state| state.phase),
        message: state.map(|state| state.message.clone()).unwrap_or_default(),
        addresses,
        processes: rows,
        faults: if state.is_some() { faults::active(&context.layout) } else { Vec::new() },
        accounts: accounts::one_per_role(&accounts::read(&context.layout)?),
    })
}
