//! Settles what a supervisor finds from one that died: whatever still runs is ended before anything starts.

use std::time::Duration;

use anyhow::{Result, bail};
use rustix::process::Signal;

use super::state::{self, State};
use crate::context::Context;
use crate::process::{Identity, wait_until_gone};

/// How long children of a dead supervisor may take by themselves: the kernel has told them to end already.
const BY_THEMSELVES: Duration = Duration::from_secs(20);
/// How long they may take once killed.
const KILLED: Duration = Duration::from_secs(5);

/// Ends what an earlier supervisor of this boot has left, if it died without doing so.
pub(crate) fn recover(context: &Context) -> Result<()> {
    let path = state::path(&context.layout);
    if let Some(state) = State::load(&context.layout).filter(|state| !state.supervisor.is_alive()) {
        end_leftovers(context, &state.identities())?;
        std::fs::remove_file(path)?;
    }
    Ok(())
}

/// Waits for these processes and their descendants to end, kills those that do not, and fails if one still runs.
pub(crate) fn end_leftovers(context: &Context, processes: &[Identity]) -> Result<()> {
    let families: Vec<Identity> = processes.iter().flat_map(|process| process.family()).collect();
    if families.is_empty() {
        return Ok(());
    }
    context.ui.line(&format!("Waiting for {} processes of an earlier run to end ...", families.len()));
    let left = wait_until_gone(&families, BY_THEMSELVES, || false);
    for process in &left {
        process.signal(Signal::KILL);
    }
    let left = wait_until_gone(&left, KILLED, || false);
    if left.is_empty() {
        return Ok(());
    }
    let pids: Vec<String> = left.iter().map(|process| process.pid.to_string()).collect();
    bail!("processes of an earlier run do not end: {}; end them by hand, then try again", pids.join(", "))
}
