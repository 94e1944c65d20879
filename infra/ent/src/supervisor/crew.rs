//! Settles how all processes together are watched, restarted and taken down.

use std::time::Duration;

use anyhow::{Result, bail};
use rustix::process::Signal;

use super::member::Member;
use super::state::{ProcessRecord, UnitState};
use super::unit::{Kind, STOP_ORDER, Unit};
use super::{probe, tail};
use crate::clock;
use crate::context::Context;
use crate::process::{Identity, wait_until_gone};

/// Log lines shown when a process ends before it was ready.
const TAIL_LINES: usize = 15;
/// How long a killed process may take to disappear.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// All processes of the backend, in the order of their start.
#[derive(Default)]
pub(crate) struct Crew {
    members: Vec<Member>,
}

impl Crew {
    /// Starts one more process.
    pub(crate) fn start(&mut self, unit: Unit) -> Result<()> {
        self.members.push(Member::start(unit)?);
        Ok(())
    }

    /// During the start nothing may end: fails with the last lines of the log of whatever did.
    pub(crate) fn require_alive(&mut self) -> Result<()> {
        for member in &mut self.members {
            let Some(ending) = member.reap() else { continue };
            let log = &member.unit.launch.log;
            let lines = tail::last_lines(log, TAIL_LINES).join("\n    ");
            bail!("{} {ending} while starting. The end of {}:\n    {lines}", member.unit.name, log.display());
        }
        Ok(())
    }

    /// Notices ends and starts again what is due; returns what to tell.
    pub(crate) fn tick(&mut self) -> Vec<String> {
        let now = clock::now();
        let mut events = Vec::new();
        for member in &mut self.members {
            if let Some(ending) = member.reap() {
                events.push(member.schedule(&ending));
            } else if member.due.is_some_and(|due| due <= now) {
                events.push(member.restart());
            }
        }
        events
    }

    /// Asks every running process whether it is ready.
    pub(crate) fn probe(&mut self, context: &Context) {
        for member in self.members.iter_mut().filter(|member| member.child.is_some()) {
            match probe::ask(context, &member.unit.probe) {
                Ok(()) => (member.state, member.detail) = (UnitState::Ready, String::new()),
                Err(error) => {
                    let was_ready = member.state != UnitState::Starting;
                    member.state = if was_ready { UnitState::NotReady } else { UnitState::Starting };
                    member.detail = format!("{error:#}");
                }
            }
        }
    }

    /// Whether a process runs that was not ready yet, or is about to.
    pub(crate) fn is_starting(&self) -> bool {
        let is = |member: &Member| matches!(member.state, UnitState::Starting | UnitState::Restarting);
        self.members.iter().any(is)
    }

    /// The first process of a kind that is not ready, and why.
    pub(crate) fn first_unready(&mut self, context: &Context, kind: Kind) -> Option<String> {
        self.probe(context);
        let mut of_kind = self.members.iter().filter(|member| member.unit.kind == kind);
        let unready = of_kind.find(|member| member.state != UnitState::Ready)?;
        Some(format!("{}: {}", unready.unit.name, unready.detail))
    }

    /// What the state file says about all.
    pub(crate) fn records(&self) -> Vec<ProcessRecord> {
        self.members.iter().map(Member::record).collect()
    }

    /// Keeps all logs from growing without bound.
    pub(crate) fn shorten_logs(&self) {
        self.members.iter().for_each(Member::shorten_log);
    }

    /// Ends everything in order, forces what does not, and checks that nothing is left.
    pub(crate) fn stop_all(&mut self, context: &Context) {
        let running = self.members.iter().filter(|member| member.child.is_some());
        // What they started themselves has to be gone too (PostgreSQL's backends).
        let families: Vec<Identity> =
            running.filter_map(|member| member.identity).flat_map(Identity::family).collect();
        let asked_before = context.signals.count();
        for kinds in STOP_ORDER {
            self.stop_kinds(context, kinds, asked_before);
        }
        let left = wait_until_gone(&families, KILL_LIMIT, || false);
        for process in &left {
            process.signal(Signal::KILL);
        }
        for process in wait_until_gone(&left, KILL_LIMIT, || false) {
            context.ui.line(&format!("process {} does not end", process.pid));
        }
    }

    fn stop_kinds(&mut self, context: &Context, kinds: &[Kind], asked_before: usize) {
        for member in self.members.iter_mut().filter(|member| kinds.contains(&member.unit.kind)) {
            // A restart that was due is off.
            member.due = None;
            if let Some(process) = member.identity.filter(|_| member.child.is_some()) {
                process.signal(member.unit.kind.stop_plan().signal);
                // A process that was paused could not obey.
                process.signal(Signal::CONT);
            }
        }
        let began = clock::now();
        let is_running = |member: &&mut Member| kinds.contains(&member.unit.kind) && member.child.is_some();
        while self.members.iter_mut().filter(is_running).count() > 0 {
            // Asked to stop once more: at once.
            let is_hurried = context.signals.count() > asked_before.max(1);
            for member in self.members.iter_mut().filter(is_running) {
                let waited = began.elapsed();
                if member.reap().is_some() {
                    member.state = UnitState::Stopped;
                } else if waited > member.unit.kind.stop_plan().limit + KILL_LIMIT {
                    // Killed and still there: stuck in the kernel. It is reported by the caller.
                    member.child = None;
                } else if is_hurried || waited > member.unit.kind.stop_plan().limit {
                    member.identity.iter().for_each(|process| process.signal(Signal::KILL));
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
