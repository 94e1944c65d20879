//! Settles what is known about one process while it is supervised.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::state::{ProcessRecord, UnitState};
use super::tail;
use super::unit::Unit;
use crate::clock;
use crate::layout::open_log;
use crate::process::Identity;

/// Starts in a row that ended soon after which a process is left alone.
const ATTEMPTS: u32 = 6;
/// A process that ran this long had started well: its next end is the first of a new row.
const STEADY: Duration = Duration::from_secs(30);

/// One process and its history.
pub(crate) struct Member {
    /// What it is.
    pub(crate) unit: Unit,
    /// The child, while it runs.
    pub(crate) child: Option<Child>,
    /// The child's identity; kept after its end for verification.
    pub(crate) identity: Option<Identity>,
    /// How it is.
    pub(crate) state: UnitState,
    /// Why it is not ready, or how it ended.
    pub(crate) detail: String,
    /// How often it was started again.
    pub(crate) restarts: u32,
    /// When it is to be started again.
    pub(crate) due: Option<Instant>,
    log: File,
    started: Instant,
    attempts: u32,
}

impl Member {
    /// Starts a process.
    pub(crate) fn start(unit: Unit) -> Result<Self> {
        let log = open_log(&unit.launch.log)?;
        let child = unit.launch.spawn(&log)?;
        Ok(Self {
            identity: Identity::of(child.id()),
            child: Some(child),
            unit,
            state: UnitState::Starting,
            detail: String::new(),
            restarts: 0,
            due: None,
            log,
            started: clock::now(),
            attempts: 0,
        })
    }

    /// How it ended, if it just did.
    pub(crate) fn reap(&mut self) -> Option<String> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        self.child = None;
        self.detail = describe(status);
        Some(self.detail.clone())
    }

    /// Decides after an end whether and when it starts again; returns what to tell.
    pub(crate) fn schedule(&mut self, ending: &str) -> String {
        self.attempts = if self.started.elapsed() > STEADY { 1 } else { self.attempts + 1 };
        let name = &self.unit.name;
        if self.attempts > ATTEMPTS {
            self.state = UnitState::GivenUp;
            self.detail = format!("{ending}; {ATTEMPTS} restarts did not help");
            return format!(
                "{name} {ending}; giving up after {ATTEMPTS} restarts (see `cargo ent logs {name}`)"
            );
        }
        let delay = self.unit.kind.restart_delay(self.attempts);
        self.state = UnitState::Restarting;
        self.due = Some(clock::now() + delay);
        format!("{name} {ending}; starting it again in {:.1} s", delay.as_secs_f64())
    }

    /// Starts it again.
    pub(crate) fn restart(&mut self) -> String {
        self.due = None;
        match self.unit.launch.spawn(&self.log) {
            Ok(child) => {
                self.identity = Identity::of(child.id());
                self.child = Some(child);
                self.started = clock::now();
                self.restarts += 1;
                self.state = UnitState::Starting;
                format!("{} started again", self.unit.name)
            }
            Err(error) => self.schedule(&format!("cannot start: {error:#}")),
        }
    }

    /// Keeps its log from growing without bound.
    pub(crate) fn shorten_log(&self) {
        tail::shorten_log(&self.unit.launch.log, &self.log);
    }

    /// What the state file says about it.
    pub(crate) fn record(&self) -> ProcessRecord {
        ProcessRecord {
            name: self.unit.name.clone(),
            identity: self.identity.filter(|_| self.child.is_some()),
            port: self.unit.port,
            state: self.state,
            detail: self.detail.clone(),
            restarts: self.restarts,
        }
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
