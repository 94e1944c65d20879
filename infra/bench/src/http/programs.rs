//! Settles on which core each program runs, how its use of the processor is read, and that it ends with the benchmark.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::harness::Time;

/// How long a program may take until it serves.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How often its log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One core for the server, another for who asks it.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    /// Of the service, and of its peer at other times.
    pub server: usize,
    /// Of wrk; engines go where they like.
    pub clients: usize,
}

impl Cores {
    /// The first two that this process may use.
    pub fn two() -> Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut usable = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        let (server, clients) = usable.next().zip(usable.next()).context("this needs two cores")?;
        Ok(Self { server, clients })
    }
}

/// A program on one core.
pub struct Pinned(Child);

impl Pinned {
    /// Starts it; what it prints goes to `log`. It dies with this process.
    pub fn start(core: usize, program: &Path, arguments: &[&str], log: &Path) -> Result<Self> {
        let log = File::create(log)?;
        let mut command = on_core(core, program);
        command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self(child))
    }

    /// Waits until a line of its log says what is looked for.
    pub fn wait_for_line(&mut self, log: &Path, read: impl Fn(&str) -> Option<String>) -> Result<String> {
        let begin = Time::Wall.now();
        loop {
            let has_ended = self.0.try_wait()?.is_some();
            let text = std::fs::read_to_string(log)?;
            if let Some(found) = text.lines().find_map(&read) {
                return Ok(found);
            }
            let is_late = Time::Wall.now().saturating_sub(begin) > START_LIMIT;
            ensure!(!has_ended && !is_late, "a program did not start: {text}");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// What it takes of the machine's memory, in bytes (proc(5): `VmRSS`, in KiB).
    pub fn memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let resident =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the kernel tells VmRSS")?;
        let kibibytes: u64 = resident.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kibibytes * 1024)
    }

    /// Its threads' time on the processor so far (proc(5): `utime` and `stime`, in hundredths of a second).
    pub fn processor_time(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // The program's name stands in brackets and may hold anything.
        let (_, fields) = stat.rsplit_once(')').context("a process has a name")?;
        let ticks: Vec<u64> =
            fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
        ensure!(ticks.len() == 2, "the kernel tells utime and stime");
        Ok(Duration::from_millis(ticks.iter().sum::<u64>() * 10))
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command that runs on one core and dies with this process.
pub fn on_core(core: usize, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", "taskset", "--cpu-list", &core.to_string()]).arg(program);
    // What tells this program where things are would be configuration to a service.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ENT_")) {
        command.env_remove(name);
    }
    command
}

/// Uses what others leave of a core, at the lowest priority.
pub struct KeptBusy {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl KeptBusy {
    /// Until it is dropped.
    pub fn start(core: usize) -> Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = is_over.clone();
        let mut cores = CpuSet::new();
        cores.set(core);
        let spin = move || {
            // Priorities belong to threads on Linux.
            if rustix::process::nice(19).is_ok() && sched_setaffinity(None, &cores).is_ok() {
                while !seen.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            }
        };
        Ok(Self { is_over, thread: Some(std::thread::Builder::new().spawn(spin)?) })
    }
}

impl Drop for KeptBusy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}
