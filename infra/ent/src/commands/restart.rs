//! Settles what `restart` checks before it begins, and how it tells what it does.

use anyhow::{Result, bail};

use super::up;
use crate::cli;
use crate::context::Context;
use crate::exit;
use crate::rolling;
use crate::services::{self, Instance, SERVICES};
use crate::supervisor::{Phase, State, UnitState};

/// Restarts instances one after the other; the first that does not come back is the last.
pub(crate) fn run(context: &Context, asked: &cli::Restart) -> Result<u8> {
    if context.topology.is_containers() {
        bail!("containers are restarted by their engine: `infra/rolling-restart.sh` on the host");
    }
    let state = State::load_running(&context.layout).filter(|state| state.phase == Phase::Ready);
    let state = state.filter(|state| !state.options.only_engines).ok_or_else(exit::not_running)?;
    let chosen = rolling::choose(&asked.names, state.options.instances)?;
    require_all_ready(&state)?;
    migrate(context, &chosen)?;
    if state.options.instances == 1 {
        context.ui.line("There is one instance of each service: whoever uses it waits meanwhile. `cargo ent up --instances 3` has others that serve.");
    }
    for (number, instance) in chosen.iter().enumerate() {
        restart(context, instance, state.options.instances).map_err(|error| {
            let left: Vec<String> = chosen.iter().skip(number + 1).map(Instance::name).collect();
            let left = if left.is_empty() { "nothing".to_owned() } else { left.join(", ") };
            error.context(format!(
                "{} did not come back as it should; left as it was: {left}",
                instance.name()
            ))
        })?;
    }
    context.ui.line(&format!("{} restarted, one after the other.", chosen.len()));
    Ok(0)
}

fn restart(context: &Context, instance: &Instance, instances: u16) -> Result<()> {
    let mut step = context.ui.step(&instance.name());
    let is_upgrade = rolling::is_outdated(context, instance)?;
    match rolling::restart(context, instance, instances, |text| step.detail(text)) {
        Ok(()) => {
            step.done(if is_upgrade {
                "serves again, with the program that was built since"
            } else {
                "serves again"
            });
            Ok(())
        }
        Err(error) => {
            step.failed();
            Err(error)
        }
    }
}

/// Also of instances that are not meant: while one is away, those that are left have to serve.
fn require_all_ready(state: &State) -> Result<()> {
    let is_instance = |name: &str| SERVICES.iter().any(|service| name.starts_with(&format!("{service}-")));
    let instances = state.processes.iter().filter(|process| is_instance(&process.name));
    let unready: Vec<&str> = instances
        .filter(|process| process.state != UnitState::Ready)
        .map(|process| process.name.as_str())
        .collect();
    if !unready.is_empty() {
        bail!(
            "not ready: {}; nothing was restarted, because those that are left would have to serve everybody. `cargo ent status` shows \
             when they are",
            unready.join(", ")
        );
    }
    Ok(())
}

/// Programs that were built anew may need more of their database. Migrations leave it usable for those that still run
/// (`docs/operations.md`).
fn migrate(context: &Context, chosen: &[Instance]) -> Result<()> {
    let mut step = context.ui.step("Migrations");
    let binaries = up::binaries(context)?;
    for service in SERVICES.into_iter().filter(|service| chosen.iter().any(|one| one.service == *service)) {
        step.detail(service);
        services::migrate(context, &binaries, service)?;
    }
    step.done("");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::{Dataset, Options, ProcessRecord};

    fn state(states: &[(&str, UnitState)]) -> State {
        let dataset = Dataset { scale: crate::region::Scale::Small, seed: 1, is_complete: true };
        let options = Options { instances: 2, dataset, otlp: None, faults: false, only_engines: false };
        let record = |(name, state): &(&str, UnitState)| ProcessRecord {
            name: (*name).to_owned(),
            identity: None,
            port: None,
            state: *state,
            detail: String::new(),
            restarts: 0,
        };
        let mut state = State::new(&options);
        state.processes = states.iter().map(record).collect();
        state
    }

    #[test]
    fn while_an_instance_is_away_no_other_is_restarted_and_it_is_named() {
        let ready = state(&[("postgres", UnitState::NotReady), ("auth-1", UnitState::Ready)]);
        assert!(require_all_ready(&ready).is_ok(), "engines are not what a restart is about");
        let one_away = state(&[("auth-1", UnitState::Ready), ("courses-2", UnitState::Starting)]);
        let refusal = require_all_ready(&one_away).unwrap_err().to_string();
        assert!(refusal.starts_with("not ready: courses-2; nothing was restarted"), "{refusal}");
    }
}
