//! Settles which process a recorded pid means: the same pid with the same start time, never a recycled one.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

/// How often, and how many times, killed processes are looked at until they are gone.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
const LOOKS: u32 = 400;

/// One process of this boot of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The process id.
    pub pid: u32,
    /// When it started, in clock ticks since the machine's boot.
    pub started: u64,
}

/// What `/proc/PID/stat` says that matters here.
struct Stat {
    state: char,
    parent: u32,
    started: u64,
}

impl Identity {
    /// The process that has this pid now.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = read_stat(pid)?;
        Some(Self { pid, started: stat.started })
    }

    /// This very process.
    pub fn of_self() -> Self {
        let pid = std::process::id();
        Self::of(pid).unwrap_or(Self { pid, started: 0 })
    }

    /// Whether it still runs; one that has ended and waits to be collected does not.
    pub fn is_alive(self) -> bool {
        read_stat(self.pid)
            .is_some_and(|stat| stat.started == self.started && !matches!(stat.state, 'Z' | 'X'))
    }

    /// Signals it if it still runs. A process that is gone, or is not ours, is left alone.
    pub fn signal(self, signal: Signal) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| self.is_alive()) {
            // It may end between the check and the signal; then there is nothing left to do.
            let _ = kill_process(pid, signal);
        }
    }

    /// SIGSTOP to its family: it keeps its connections and answers nobody. The parent first, which could have new children.
    pub fn pause(self) -> Paused {
        self.signal(Signal::STOP);
        let paused = Paused(self.family());
        paused.0.iter().for_each(|process| process.signal(Signal::STOP));
        paused
    }

    /// SIGKILL to its family, and waits up to two seconds until none of it runs any more: what a child still holds when
    /// its parent is started anew (PostgreSQL's shared memory) would keep that one from starting.
    pub fn kill(self) {
        self.signal(Signal::STOP);
        let family = self.family();
        for process in &family {
            process.signal(Signal::KILL);
        }
        for _ in 0..LOOKS {
            if !family.iter().any(|process| process.is_alive()) {
                return;
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Itself and everything that descends from it, parents first.
    pub fn family(self) -> Vec<Self> {
        if !self.is_alive() {
            return Vec::new();
        }
        let all: Vec<(Self, u32)> = all_processes().collect();
        let mut family = vec![self];
        let mut next = 0;
        while let Some(parent) = family.get(next).copied() {
            family.extend(all.iter().filter(|(_, of)| *of == parent.pid).map(|(child, _)| *child));
            next += 1;
        }
        family
    }
}

/// A process that stands still, with everything that descends from it, until this is dropped.
#[derive(Debug)]
#[must_use = "the process goes on when this is dropped"]
pub struct Paused(Vec<Identity>);

impl Drop for Paused {
    fn drop(&mut self) {
        for process in &self.0 {
            process.signal(Signal::CONT);
        }
    }
}

fn all_processes() -> impl Iterator<Item = (Identity, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        let stat = read_stat(pid)?;
        Some((Identity { pid, started: stat.started }, stat.parent))
    })
}

fn read_stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The program's name stands in brackets and may itself contain brackets and spaces: the fields begin after the last one.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    // proc(5): the start time is field 22; the state was field 3, the parent field 4.
    let started = fields.nth(22 - 5)?.parse().ok()?;
    Some(Stat { state, parent, started })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_program_names_do_not_shift_the_fields() {
        let line = "42 (a) b (c)) S 7 42 42 0 -1 4194560 1 0 0 0 3 1 0 0 20 0 5 0 98765 1000 2000";
        let stat = parse_stat(line).unwrap();
        assert_eq!((stat.state, stat.parent, stat.started), ('S', 7, 98765));
    }

    #[test]
    fn a_recycled_pid_is_another_process() {
        let me = Identity::of_self();
        assert!(me.is_alive());
        assert!(!Identity { started: me.started + 1, ..me }.is_alive());
    }

    #[test]
    fn a_paused_process_stands_still_until_the_guard_is_dropped() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let identity = Identity::of(child.id()).unwrap();
        // The signal takes effect when the kernel next looks at the process.
        let becomes = |is_wanted: fn(char) -> bool| {
            (0..1_000).any(|_| {
                std::thread::sleep(std::time::Duration::from_millis(5));
                is_wanted(read_stat(child.id()).unwrap().state)
            })
        };
        let paused = identity.pause();
        assert!(becomes(|state| state == 'T'));
        drop(paused);
        assert!(becomes(|state| state != 'T'));
        identity.kill();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap()), Some(9));
    }

    #[test]
    fn a_family_contains_the_children() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let identity = Identity::of(child.id()).unwrap();
        assert!(Identity::of_self().family().contains(&identity));
        identity.signal(Signal::KILL);
        child.wait().unwrap();
        assert!(!identity.is_alive());
        assert!(identity.family().is_empty());
    }
}
