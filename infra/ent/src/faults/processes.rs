//! Settles how processes are paused, continued and killed: with everything that descends from them.

use anyhow::{Result, bail};
use rustix::process::Signal;

use super::KEEPER;
use crate::layout::Layout;
use crate::process::Identity;
use crate::supervisor::State;

/// The process of this name and its descendants: a database that hangs has backends that hang.
pub(super) fn family(layout: &Layout, name: &str) -> Result<Vec<Identity>> {
    if name == KEEPER {
        bail!("`{KEEPER}` ends the faults of all others; it has none itself");
    }
    let processes = State::load(layout).map(|state| state.processes).unwrap_or_default();
    let Some(process) = processes.iter().find(|process| process.name == name) else {
        let all = processes.iter().map(|process| process.name.as_str()).filter(|name| *name != KEEPER);
        bail!("there is no process `{name}`; there are: {}", all.collect::<Vec<_>>().join(", "));
    };
    let family = process.identity.map(Identity::family).unwrap_or_default();
    if family.is_empty() {
        bail!("`{name}` does not run just now");
    }
    Ok(family)
}

/// Whether a process of this name was ever started.
pub(super) fn is_known(layout: &Layout, name: &str) -> bool {
    State::load(layout).is_some_and(|state| state.processes.iter().any(|process| process.name == name))
}

/// Lets everything go on that an earlier keeper may have paused; a process that runs does not notice.
pub(super) fn continue_all(layout: &Layout) {
    let all = State::load(layout).map(|state| state.identities()).unwrap_or_default();
    signal(&all.into_iter().flat_map(Identity::family).collect::<Vec<_>>(), Signal::CONT);
}

/// Signals all of them, parents first.
pub(super) fn signal(family: &[Identity], signal: Signal) {
    for process in family {
        process.signal(signal);
    }
}
