//! Settles what is known about one process while it is supervised.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::state::{ProcessRecord, UnitState};
use super::tail;
use super::unit::{Kind, Unit};
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
    /// Whether its last end was what somebody had asked for.
    has_ended_as_asked: bool,
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
            has_ended_as_asked: false,
        })
    }

    /// How it ended, if it just did.
    pub(crate) fn reap(&mut self) -> Option<String> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        self.child = None;
        // A service that has served ends well only when it is told to: by a restart, or by another calendar.
        let has_served = matches!(self.state, UnitState::Ready | UnitState::NotReady);
        self.has_ended_as_asked = self.unit.kind == Kind::Service && has_served && status.success();
        self.detail = describe(status);
        Some(self.detail.clone())
    }

    /// Decides after an end whether and when it starts again; returns what to tell.
    pub(crate) fn schedule(&mut self, ending: &str) -> String {
        self.attempts = match (self.has_ended_as_asked, self.started.elapsed() > STEADY) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => self.attempts + 1,
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Launch;
    use crate::supervisor::unit::Probe;

    /// Starts what ends at once with this code, until it is given up, at most ten times more.
    fn starts(kind: Kind, code: u8, has_served: bool) -> u32 {
        let launch = Launch {
            program: "sh".into(),
            arguments: vec!["-c".into(), format!("exit {code}").into()],
            environment: Vec::new(),
            folder: "/".into(),
            log: "/dev/null".into(),
            run_as: None,
            death_signal: "TERM",
        };
        let unit = Unit { name: "auth-1".to_owned(), port: None, launch, probe: Probe::Port(1), kind };
        let mut member = Member::start(unit).unwrap();
        for _ in 0..10 {
            if has_served {
                member.state = UnitState::Ready;
            }
            let ending = loop {
                if let Some(ending) = member.reap() {
                    break ending;
                }
                std::thread::yield_now();
            };
            member.schedule(&ending);
            if member.state == UnitState::GivenUp {
                break;
            }
            member.restart();
        }
        member.restarts
    }

    #[test]
    fn only_an_end_that_was_asked_for_does_not_count() {
        assert_eq!(starts(Kind::Service, 0, true), 10);
        assert_eq!(starts(Kind::Service, 1, true), ATTEMPTS);
        assert_eq!(starts(Kind::Service, 0, false), ATTEMPTS);
        assert_eq!(starts(Kind::FrontDoor, 0, true), ATTEMPTS);
    }
}
