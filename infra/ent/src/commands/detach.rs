//! Settles how the supervisor moves into the background and how the command in front follows its start.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::{summary, up};
use crate::clock;
use crate::context::Context;
use crate::layout::open_log;
use crate::services::Binaries;
use crate::supervisor::{self, Options, Phase, State, StepState};
use crate::ui::Step;

/// How long the supervisor may take to write its first state.
const BEGIN_LIMIT: Duration = Duration::from_secs(30);
/// How long the whole start may take: more than the sum of the limits of its steps.
const START_LIMIT: Duration = Duration::from_mins(20);

/// Starts the supervisor in the background; with `is_waiting` returns when all is ready or the start has failed.
pub(crate) fn start(
    context: &Context,
    options: &Options,
    binaries: &Binaries,
    is_waiting: bool,
) -> Result<u8> {
    up::write_plan(&context.layout, options, binaries)?;
    let log_path = context.layout.log("ent");
    let log = open_log(&log_path)?;
    supervisor::shorten_log(&log_path, &log);
    // What an earlier supervisor said last would be taken for this one's word. Its processes are looked for there, so
    // they are waited for first.
    supervisor::recover(context)?;
    // This very program, even if a build has replaced its file meanwhile. It outlives this process on purpose.
    let mut command = Command::new("/proc/self/exe");
    command.arg0("ent").arg("supervise").current_dir(&context.layout.root);
    let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
    let mut child = child.context("cannot start the supervisor")?;
    if is_waiting {
        return follow(context, Some(child));
    }
    wait_until_begun(context, &mut child)?;
    context.ui.line(
        "Starting in the background. Watch it: cargo ent logs ent --follow; see its state: cargo ent status",
    );
    Ok(0)
}

fn wait_until_begun(context: &Context, child: &mut Child) -> Result<()> {
    let began = clock::now();
    loop {
        if State::load_running(&context.layout).is_some() {
            return Ok(());
        }
        if child.try_wait()?.is_some() {
            let said = State::load(&context.layout).map(|state| state.message);
            bail!("the backend could not be started: {}", said.unwrap_or_else(|| log_end(context)));
        }
        if began.elapsed() > BEGIN_LIMIT {
            bail!(
                "the supervisor has not begun within {} s; see `cargo ent logs ent`",
                BEGIN_LIMIT.as_secs()
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The background half: its own session, so that closing the terminal does not reach it.
pub(crate) fn supervise(context: &Context) -> Result<u8> {
    let _ = rustix::process::setsid();
    let Some(lock) = up::take_lock(&context.layout)? else {
        bail!("another supervisor runs already");
    };
    let (options, binaries) = up::read_plan(&context.layout).context("there is no plan to start from")?;
    supervisor::run(context, &options, &binaries, &lock, |_| Ok(())).map(|()| 0)
}

/// Shows the start as it goes on, until all is ready or the supervisor is gone. `child` is the supervisor if we started it.
pub(crate) fn follow(context: &Context, mut child: Option<Child>) -> Result<u8> {
    if let Some(child) = &mut child {
        wait_until_begun(context, child)?;
    }
    let mut shown = Shown::default();
    let began = clock::now();
    loop {
        if context.signals.count() > 0 {
            context.ui.line("The start goes on in the background; `cargo ent down` ends it.");
            context.signals.check()?;
        }
        if let Some(child) = &mut child {
            // Collects it if it has ended; whether it lives is asked below.
            child.try_wait()?;
        }
        let Some(state) = State::load(&context.layout) else {
            bail!("the backend was stopped before it was ready");
        };
        shown.update(context, &state);
        if state.phase == Phase::Ready {
            summary::print(context, &state.options)?;
            return Ok(0);
        }
        if !state.supervisor.is_alive() {
            let reason = if state.message.is_empty() { log_end(context) } else { state.message };
            bail!("the backend could not be started: {reason}");
        }
        if began.elapsed() > START_LIMIT {
            bail!("not ready within {} s; see `cargo ent logs ent`", START_LIMIT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn log_end(context: &Context) -> String {
    supervisor::last_lines(&context.layout.log("ent"), 10).join("\n    ")
}

/// What of the start was shown already.
#[derive(Default)]
struct Shown {
    finished: usize,
    current: Option<Step>,
}

impl Shown {
    fn update(&mut self, context: &Context, state: &State) {
        for record in state.steps.iter().skip(self.finished) {
            let mut step = self.current.take().unwrap_or_else(|| context.ui.step(&record.title));
            match record.state {
                StepState::Running => {
                    step.detail(&record.detail);
                    self.current = Some(step);
                    return;
                }
                StepState::Done => step.done(&record.detail),
                StepState::Failed => step.failed(),
            }
            self.finished += 1;
        }
    }
}
