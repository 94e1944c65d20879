//! Settles how the backend is brought up, kept up and taken down: one supervisor per installation, parent of everything.

mod board;
mod crew;
mod dataset;
mod engines;
mod lock;
mod member;
mod probe;
mod seeding;
mod stale;
mod startup;
mod state;
mod tail;
mod unit;

pub(crate) use board::Board;
pub(crate) use crew::Crew;
pub(crate) use dataset::{DEFAULT_SEED, Dataset};
pub(crate) use engines::{EngineSet, Started, start_engines};
pub(crate) use lock::Lock;
pub(crate) use seeding::load;
pub(crate) use stale::{end_leftovers, recover};
pub(crate) use state::{Options, Phase, ProcessRecord, State, StepState, UnitState};
pub(crate) use tail::{last_lines, shorten_log};

use std::time::Duration;

use anyhow::Result;

use crate::clock;
use crate::context::Context;
use crate::exit;
use crate::faults;
use crate::services::Binaries;

/// How often ended children are noticed.
const TICK: Duration = Duration::from_millis(100);
/// How often every process is asked whether it is ready; more often while one starts, which somebody may wait for.
const PROBE_EVERY: Duration = Duration::from_secs(2);
const PROBE_WHILE_STARTING: Duration = Duration::from_millis(250);
/// How often logs are looked at for their size.
const LOGS_EVERY: Duration = Duration::from_secs(5);

/// Brings the backend up and keeps it up until somebody asks to stop. `on_ready` is called once when all is ready.
pub(crate) fn run(
    context: &Context,
    options: &Options,
    binaries: &Binaries,
    lock: &Lock,
    on_ready: impl FnOnce(&State) -> Result<()>,
) -> Result<()> {
    stale::recover(context)?;
    let mut board = Board::new(context, lock, options)?;
    let mut crew = Crew::default();
    let brought_up = startup::bring_up(context, &mut board, &mut crew, options, binaries);
    let result = match brought_up {
        Ok(()) => {
            board.phase(Phase::Ready, "")?;
            on_ready(board.state())?;
            watch(context, &mut board, &mut crew)
        }
        Err(error) => Err(error),
    };
    if let Err(error) = &result {
        let is_asked = exit::is_interruption(error);
        board.phase(if is_asked { Phase::Stopping } else { Phase::Failed }, &format!("{error:#}"))?;
        context.ui.line(&if is_asked { "Stopping ...".to_owned() } else { format!("Stopping: {error:#}") });
    }
    faults::mend_all(&context.layout);
    crew.stop_all(context);
    board.processes(&crew)?;
    board.finish()?;
    context.ui.line("Stopped; nothing is left running. The data stay in .ent/.");
    result
}

/// Restarts what dies and keeps the state file true, until interrupted (which is how it always ends).
fn watch(context: &Context, board: &mut Board, crew: &mut Crew) -> Result<()> {
    let mut probe_at = clock::now();
    let mut logs_at = clock::now();
    loop {
        context.signals.check()?;
        for event in crew.tick() {
            context.ui.line(&event);
        }
        let now = clock::now();
        if now >= probe_at {
            crew.probe(context);
            probe_at = now + if crew.is_starting() { PROBE_WHILE_STARTING } else { PROBE_EVERY };
        }
        if now >= logs_at {
            crew.shorten_logs();
            logs_at = now + LOGS_EVERY;
        }
        board.processes(crew)?;
        std::thread::sleep(TICK);
    }
}
