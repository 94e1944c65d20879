//! Settles how everything is stopped, and how it is made sure that nothing is left.

use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;

use super::up;
use crate::context::Context;
use crate::process::{Identity, wait_until_gone};
use crate::supervisor::{State, end_leftovers};

/// How long the supervisor may take: the sum of what it grants front door, services and engines, and some.
const ORDERLY_LIMIT: Duration = Duration::from_secs(75);

/// Stops the backend; where none runs, says so.
pub(crate) fn run(context: &Context) -> Result<u8> {
    let Some(state) = State::load(&context.layout) else {
        context.ui.line("Nothing runs.");
        return Ok(0);
    };
    let known = state.identities();
    let was_running = state.supervisor.is_alive() || known.iter().any(|process| process.is_alive());
    // Taken before the stop: afterwards nobody can tell whose child a survivor was.
    let families: Vec<Identity> =
        known.iter().chain([&state.supervisor]).flat_map(|process| process.family()).collect();
    if state.supervisor.is_alive() {
        let step = context.ui.step("Stopping");
        state.supervisor.signal(Signal::TERM);
        // Whoever asks to stop once more wants it at once; what was asked before this began does not count.
        let asked_before = context.signals.count();
        let is_hurried = || context.signals.count() > asked_before;
        let left = wait_until_gone(&[state.supervisor], ORDERLY_LIMIT, is_hurried);
        // Its death makes the kernel tell every child to end.
        for supervisor in left {
            supervisor.signal(Signal::KILL);
        }
        step.done("");
    }
    end_leftovers(context, &families)?;
    if up::take_lock(&context.layout)?.is_some() {
        drop(std::fs::remove_file(context.layout.path("run/state.json")));
    }
    context.ui.line(if was_running {
        "Stopped; nothing is left running. The data stay in .ent/."
    } else {
        "Nothing runs."
    });
    Ok(0)
}
