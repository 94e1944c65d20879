//! Settles how the state of this machine is shown.

use anyhow::Result;
use comfy_table::{Table, presets};

use crate::context::Context;
use crate::supervisor::State;
use crate::{exit, machine, ports, services, ui};

/// Shows what is there and what is missing; exit code 1 when something required is.
pub(crate) fn run(context: &Context) -> Result<u8> {
    let own_ports = State::load_running(&context.layout).map(|state| own_ports(&state)).unwrap_or_default();
    let findings = machine::findings(&context.layout.data, &own_ports);
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(["what", "state", "found", "how to get it"]);
    for finding in &findings {
        let state = match (finding.is_fine, finding.is_required) {
            (true, _) => "ok",
            (false, true) => "MISSING",
            (false, false) => "optional",
        };
        table.add_row([&finding.subject, state, &finding.found, &finding.advice]);
    }
    ui::out(&table.to_string())?;
    if findings.iter().all(|finding| finding.is_fine || !finding.is_required) {
        ui::out("Everything required is there: cargo ent up")?;
        return Ok(0);
    }
    if machine::is_debian() {
        ui::out(
            "`cargo ent up` installs missing engines by itself, as root or with sudo that asks for no password.",
        )?;
    }
    Ok(exit::FAILED)
}

fn own_ports(state: &State) -> Vec<u16> {
    let services = services::ports(state.options.instances);
    ports::DEMO.all().into_iter().chain([ports::HTTPS, ports::HTTP]).chain(services).collect()
}
