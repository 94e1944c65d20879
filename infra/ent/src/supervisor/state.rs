//! Settles what the supervisor writes down for other commands, and when that is no longer true.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::Dataset;
use crate::layout::{Layout, write_passing_file};
use crate::process::{Identity, boot_id};

/// Changes when a field changes its meaning: a file of another format is not read.
const FORMAT: u32 = 1;

/// What `ent up` was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Options {
    /// Instances of each service.
    pub(crate) instances: u16,
    /// The demo data.
    pub(crate) dataset: Dataset,
    /// Where telemetry goes, if anywhere.
    pub(crate) otlp: Option<String>,
    /// Whether proxies stand in the paths, for faults.
    #[serde(default)]
    pub(crate) faults: bool,
    /// Whether only the engines run: for work on `ent` itself.
    pub(crate) only_engines: bool,
}

/// How far the backend is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Being brought up.
    Starting,
    /// Brought up; single processes may still be restarting.
    Ready,
    /// Could not be brought up.
    Failed,
    /// Being taken down.
    Stopping,
}

/// How far one step of the start is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StepState {
    /// Begun.
    Running,
    /// Ended well.
    Done,
    /// Ended badly.
    Failed,
}

/// One step of the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StepRecord {
    /// What is done.
    pub(crate) title: String,
    /// What it waits for, or what came of it.
    pub(crate) detail: String,
    /// How far it is.
    pub(crate) state: StepState,
}

/// How one process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UnitState {
    /// Runs and has never been ready yet.
    Starting,
    /// Runs and says that it is ready.
    Ready,
    /// Runs and does not say so.
    NotReady,
    /// Has ended and will be started again.
    Restarting,
    /// Has ended too often and is left alone.
    GivenUp,
    /// Has been stopped.
    Stopped,
}

/// One process of the backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessRecord {
    /// Its name in logs and tables.
    pub(crate) name: String,
    /// The process, while it runs.
    pub(crate) identity: Option<Identity>,
    /// Where it listens on 127.0.0.1, if anywhere.
    pub(crate) port: Option<u16>,
    /// How it is.
    pub(crate) state: UnitState,
    /// Why it is not ready, or how it last ended.
    pub(crate) detail: String,
    /// How often it was started again.
    pub(crate) restarts: u32,
}

/// Everything the supervisor writes down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    format: u32,
    boot: String,
    /// The supervisor itself.
    pub(crate) supervisor: Identity,
    /// What it was asked for.
    pub(crate) options: Options,
    /// How far it is.
    pub(crate) phase: Phase,
    /// Why it failed or stops.
    pub(crate) message: String,
    /// The steps of the start so far.
    pub(crate) steps: Vec<StepRecord>,
    /// All processes.
    pub(crate) processes: Vec<ProcessRecord>,
}

impl State {
    /// The state of a supervisor that has just begun.
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            format: FORMAT,
            boot: boot_id(),
            supervisor: Identity::of_self(),
            options: options.clone(),
            phase: Phase::Starting,
            message: String::new(),
            steps: Vec::new(),
            processes: Vec::new(),
        }
    }

    /// What was written last; none when nothing was, or nothing that this version and this boot understand.
    pub(crate) fn load(layout: &Layout) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(path(layout)).ok()?, &boot_id())
    }

    /// The state of a supervisor that runs now.
    pub(crate) fn load_running(layout: &Layout) -> Option<Self> {
        Self::load(layout).filter(|state| state.supervisor.is_alive())
    }

    /// Pids of another boot of the machine mean other processes: such a state says nothing.
    fn parse(text: &str, boot: &str) -> Option<Self> {
        let state: Self = serde_json::from_str(text).ok()?;
        (state.format == FORMAT && state.boot == boot).then_some(state)
    }

    /// Writes it down as a whole.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).context("cannot write the state down")?;
        write_passing_file(path, text, 0o600)
    }

    /// All processes that were running when it was written.
    pub(crate) fn identities(&self) -> Vec<Identity> {
        self.processes.iter().filter_map(|process| process.identity).collect()
    }
}

/// Where the state is written.
pub(crate) fn path(layout: &Layout) -> PathBuf {
    layout.path("run/state.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let dataset = Dataset { scale: crate::region::Scale::Small, seed: 1, is_complete: true };
        State::new(&Options { instances: 1, dataset, otlp: None, faults: false, only_engines: false })
    }

    #[test]
    fn a_state_of_this_boot_reads_back() {
        let text = serde_json::to_string(&state()).unwrap();
        assert_eq!(State::parse(&text, &boot_id()), Some(state()));
    }

    #[test]
    fn a_state_of_another_boot_or_format_says_nothing() {
        let text = serde_json::to_string(&state()).unwrap();
        assert_eq!(State::parse(&text, "another boot"), None);
        let older = State { format: 0, ..state() };
        assert_eq!(State::parse(&serde_json::to_string(&older).unwrap(), &boot_id()), None);
        assert_eq!(State::parse("{", &boot_id()), None);
    }
}
