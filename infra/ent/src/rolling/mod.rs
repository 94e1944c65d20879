//! Settles how instances are restarted one after the other, so that those who use a service notice nothing.
//!
//! Each drains (`shared::service::run`), ends, and is started again by the supervisor from the file that lies there now: after a build
//! this is a rolling upgrade. The next one follows when the front door reaches as many instances as before.

mod choice;
mod program;
mod reach;

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;

use crate::context::{Context, Progress};
use crate::process::Identity;
use crate::services::Instance;
use crate::supervisor::{ProcessRecord, State, UnitState};
pub(crate) use choice::choose;
use reach::Reach;
pub(crate) use reach::reach;

/// How long an instance may take to end: 1.5 s until the front door has noticed, 10 s for requests of people, 10 s for those of
/// siblings, 5 s for workers, and some.
const END_LIMIT: Duration = Duration::from_secs(35);
/// How long it may take to be ready again: it waits for its engines up to a minute.
const READY_LIMIT: Duration = Duration::from_secs(75);
/// How long the front door may take to notice.
const REACH_LIMIT: Duration = Duration::from_secs(15);

/// Restarts one instance of so many of its service, and returns when it serves again; `say` is told what is waited for.
pub(crate) fn restart(
    context: &Context,
    instance: &Instance,
    instances: u16,
    mut say: impl FnMut(&str),
) -> Result<()> {
    let name = instance.name();
    let before = all_reached(&reach(context)?, instance.service, instances)?;
    let old = ready(&record(context, &name)?)?;
    say("drains and ends");
    old.signal(Signal::TERM);
    context.wait_for(&format!("{name} to end"), END_LIMIT, || Ok(ended(old))).with_context(|| {
        format!("`cargo ent logs {name}` says what it still does; `cargo ent fault kill {name}` ends it at once, with what it does")
    })?;
    say("starts");
    let mut new = old;
    context
        .wait_for(&format!("{name} to be ready again"), READY_LIMIT, || {
            let now = record(context, &name)?;
            new = now.identity.unwrap_or(old);
            started(&now, old)
        })
        .with_context(|| format!("`cargo ent logs {name}` says why"))?;
    program::require_current(&name, new)?;
    say("waits for the front door");
    context
        .wait_for("the front door to reach it", REACH_LIMIT, || {
            Ok(reached(context, instance.service, before))
        })
        .context("`cargo ent logs haproxy` says what it sees")
}

/// Whether the program of this instance has been built anew since it was started.
pub(crate) fn is_outdated(context: &Context, instance: &Instance) -> Result<bool> {
    let identity = record(context, &instance.name())?.identity;
    Ok(identity.is_some_and(program::is_outdated))
}

/// How many the front door reaches: all of them, or those that are left would be too few.
fn all_reached(reach: &Reach, service: &str, instances: u16) -> Result<usize> {
    let reached = reach.of(service);
    ensure!(
        reached >= usize::from(instances),
        "the front door reaches {reached} of {instances} instances of {service}; `cargo ent status` shows which one is not ready"
    );
    Ok(reached)
}

fn record(context: &Context, name: &str) -> Result<ProcessRecord> {
    let state = State::load_running(&context.layout).context("the backend has been stopped meanwhile")?;
    let found = state.processes.into_iter().find(|process| process.name == name);
    found.with_context(|| format!("there is no instance `{name}`"))
}

/// The process of an instance that serves; whoever does not serve now would be missing twice.
fn ready(record: &ProcessRecord) -> Result<Identity> {
    match (record.state, record.identity) {
        (UnitState::Ready, Some(identity)) => Ok(identity),
        (
            UnitState::Starting
            | UnitState::Ready
            | UnitState::NotReady
            | UnitState::Restarting
            | UnitState::GivenUp
            | UnitState::Stopped,
            _,
        ) => {
            let detail = if record.detail.is_empty() { "just starting" } else { &record.detail };
            bail!("{} is not ready: {detail}; `cargo ent status` shows when it is", record.name)
        }
    }
}

fn ended(old: Identity) -> Progress {
    if old.is_alive() { Progress::Waiting("it finishes what it has".to_owned()) } else { Progress::Reached }
}

/// Whether another process than the old one serves; an instance that was given up will not.
fn started(now: &ProcessRecord, old: Identity) -> Result<Progress> {
    let is_new = now.identity.is_some_and(|identity| identity != old);
    match now.state {
        UnitState::Ready if is_new => Ok(Progress::Reached),
        UnitState::GivenUp => bail!("{} was given up: {}", now.name, now.detail),
        UnitState::Starting
        | UnitState::Ready
        | UnitState::NotReady
        | UnitState::Restarting
        | UnitState::Stopped => Ok(Progress::Waiting(now.detail.clone())),
    }
}

fn reached(context: &Context, service: &str, before: usize) -> Progress {
    match reach(context) {
        Ok(now) if now.of(service) >= before => Progress::Reached,
        Ok(now) => Progress::Waiting(format!("{} of {before} instances of {service}", now.of(service))),
        Err(error) => Progress::Waiting(format!("{error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(state: UnitState, pid: Option<u32>) -> ProcessRecord {
        ProcessRecord {
            name: "auth-1".to_owned(),
            identity: pid.map(|pid| Identity { pid, started: 7 }),
            port: None,
            state,
            detail: "/readyz says 503".to_owned(),
            restarts: 0,
        }
    }

    #[test]
    fn whoever_is_not_ready_is_not_restarted_and_is_named() {
        assert!(ready(&found(UnitState::Ready, Some(5))).is_ok());
        for state in [UnitState::Starting, UnitState::NotReady, UnitState::Restarting, UnitState::GivenUp] {
            let refusal = ready(&found(state, Some(5))).unwrap_err().to_string();
            assert!(refusal.starts_with("auth-1 is not ready: /readyz says 503"), "{refusal}");
        }
        assert!(ready(&found(UnitState::Ready, None)).is_err());
    }

    #[test]
    fn where_one_is_missing_already_no_other_goes() {
        let reach = Reach::parse("auth 3 courses 2 messaging 3").unwrap();
        assert_eq!(all_reached(&reach, "auth", 3).unwrap(), 3);
        let refusal = all_reached(&reach, "courses", 3).unwrap_err().to_string();
        assert!(refusal.starts_with("the front door reaches 2 of 3 instances of courses"), "{refusal}");
    }

    #[test]
    fn only_another_process_that_is_ready_has_started() {
        let old = Identity { pid: 5, started: 7 };
        let is_there = |state, pid| matches!(started(&found(state, pid), old), Ok(Progress::Reached));
        assert!(is_there(UnitState::Ready, Some(6)));
        assert!(!is_there(UnitState::Ready, Some(5)), "that is the old one");
        assert!(!is_there(UnitState::Starting, Some(6)));
        assert!(!is_there(UnitState::Restarting, None));
        let refusal = started(&found(UnitState::GivenUp, None), old).err().unwrap().to_string();
        assert!(refusal.contains("given up: /readyz says 503"), "{refusal}");
    }
}
