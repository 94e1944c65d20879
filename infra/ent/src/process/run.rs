//! Settles how a program is run to its end: with a limit, and ended when somebody asks to stop.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::{Identity, RunAs, launch};
use crate::clock;
use crate::layout::Layout;
use crate::signals::Signals;

/// How often a running child is looked at.
const POLL: Duration = Duration::from_millis(20);
/// How long a child has between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(10);

/// What a program that was run to its end left.
pub(crate) struct Captured {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// Its standard output and error, in the order written.
    pub(crate) output: String,
}

impl Captured {
    /// Its output when it ended well, else an error with the last lines of it.
    pub(crate) fn success(self, what: &str) -> Result<String> {
        if self.status.success() {
            return Ok(self.output);
        }
        let lines: Vec<&str> = self.output.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(15)..).unwrap_or_default().join("\n    ");
        bail!("{what} failed ({}):\n    {tail}", self.status);
    }
}

/// Runs a program as another user if need be, and keeps what it prints.
pub(crate) fn captured(
    layout: &Layout,
    signals: &Signals,
    command: &Command,
    run_as: Option<&RunAs>,
    limit: Duration,
) -> Result<Captured> {
    let mut wrapped = launch::through_setpriv(run_as, Some("TERM"));
    wrapped.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    wrapped.current_dir(command.get_current_dir().unwrap_or(&layout.root));
    capture(layout, signals, wrapped, limit)
}

/// Runs a program and keeps what it prints, in a file: a pipe could fill up while nobody reads.
pub(crate) fn capture(
    layout: &Layout,
    signals: &Signals,
    mut command: Command,
    limit: Duration,
) -> Result<Captured> {
    let path = layout.path("run").join(format!("output.{}", std::process::id()));
    let mut file = File::options().create(true).truncate(true).read(true).write(true).open(&path)?;
    std::fs::remove_file(&path)?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file.try_clone()?);
    let status = to_the_end(signals, command, Some(limit))?;
    let mut output = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut output)?;
    Ok(Captured { status, output: String::from_utf8_lossy(&output).into_owned() })
}

/// Runs a program that talks to the terminal itself, to its end.
pub(crate) fn attached(signals: &Signals, command: Command) -> Result<ExitStatus> {
    to_the_end(signals, command, None)
}

fn to_the_end(signals: &Signals, mut command: Command, limit: Option<Duration>) -> Result<ExitStatus> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    let identity = Identity::of(child.id());
    let began = clock::now();
    let mut asked: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait()? {
            // Whoever pressed Ctrl-C wants the command over, whatever the child made of it.
            signals.check()?;
            return Ok(status);
        }
        let is_late = limit.is_some_and(|limit| began.elapsed() > limit);
        match (identity, asked) {
            (Some(identity), None) if signals.count() > 0 || is_late => {
                identity.signal(Signal::TERM);
                asked = Some(clock::now());
            }
            (Some(identity), Some(since)) if since.elapsed() > GRACE || signals.count() > 1 => {
                identity.signal(Signal::KILL);
            }
            _ => {}
        }
        if is_late && asked.is_some_and(|since| since.elapsed() > GRACE * 2) {
            bail!("{name} did not end within its limit");
        }
        std::thread::sleep(POLL);
    }
}
