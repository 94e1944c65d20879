//! Settles how k6 is run for this proof: one process per load, its own source addresses, and people's lines in a file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;

use crate::clock;
use crate::commands::k6;
use crate::context::Context;
use crate::installation::calendar;
use crate::ports;
use crate::process::Identity;

/// Where honest people come from: as many addresses as there can be virtual users.
const HONEST: &str = "127.10.0.1-127.10.39.255";
/// Where the flood comes from.
const HOSTILE: &str = "127.66.0.1-127.66.3.255";
/// Thousands of virtual users are gigabytes to look through, for seconds in which k6 measures itself: it collects garbage only when
/// its memory has grown fourfold.
const GOGC: &str = "300";
/// Measurements that k6 keeps at hand before virtual users have to wait for their own bookkeeping.
const SAMPLES: &str = "100000";
/// How often a running k6 is looked at.
const POLL: Duration = Duration::from_millis(100);
/// How long k6 may take beyond its plan before it is ended.
const LIMIT: Duration = Duration::from_mins(20);

/// How loads are made.
pub(super) struct Load<'a> {
    pub(super) context: &'a Context,
    pub(super) k6: &'a Path,
    /// Where results lie.
    pub(super) folder: PathBuf,
}

/// What a run left.
#[derive(Default)]
pub(super) struct Run {
    /// k6's exit code.
    pub(super) code: Option<i32>,
    /// People's lines.
    pub(super) seen: PathBuf,
    /// k6's own counts.
    pub(super) report: PathBuf,
    /// What k6 said.
    pub(super) log: PathBuf,
}

/// A k6 that runs. Ends with this value.
pub(super) struct Running {
    child: Child,
    run: Run,
}

impl Load<'_> {
    /// Starts a scenario.
    pub(super) fn start(
        &self,
        name: &str,
        scenario: &str,
        environment: &[(&str, String)],
    ) -> Result<Running> {
        let layout = &self.context.layout;
        let file = |ending: &str| self.folder.join(format!("{name}{ending}"));
        let run = Run { code: None, seen: file(".jsonl"), report: file(".k6.json"), log: file(".k6.log") };
        for old in [&run.seen, &run.report] {
            if old.exists() {
                std::fs::remove_file(old)?;
            }
        }
        let log = File::create(&run.log)?;
        let addresses = if scenario == "flood" { HOSTILE } else { HONEST };
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "INT", "--"]).arg(self.k6).args(["run", "--quiet", "--no-color"]);
        command.args(["--local-ips", addresses, "--address", "127.0.0.1:0", "--log-format", "raw"]);
        command.arg("--console-output").arg(&run.seen).arg(layout.root.join("loadtests/main.ts"));
        command.current_dir(&layout.root);
        command.env("SCENARIO", scenario).env("K6_NO_USAGE_REPORT", "true");
        command.env("BASE_URL", format!("https://localhost:{}", ports::HTTPS));
        command.env("CLOCK_AHEAD_S", calendar::ahead_s(layout)?.to_string());
        command.env("ACCOUNTS", layout.path("accounts.csv")).env("REPORT", &run.report);
        command.env("SSL_CERT_FILE", layout.path("tls/ca.crt"));
        command.env("GOGC", GOGC).env("K6_METRIC_SAMPLES_BUFFER_SIZE", SAMPLES);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().context("cannot start k6")?;
        Ok(Running { child, run })
    }
}

impl Running {
    /// Waits for its end; `meanwhile` is called again and again.
    pub(super) fn wait(
        mut self,
        context: &Context,
        mut meanwhile: impl FnMut(&Self) -> Result<()>,
    ) -> Result<Run> {
        let began = clock::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Run { code: status.code(), ..std::mem::take(&mut self.run) });
            }
            context.signals.check()?;
            meanwhile(&self)?;
            if began.elapsed() > LIMIT {
                bail!("k6 did not end within {} minutes", LIMIT.as_secs() / 60);
            }
            std::thread::sleep(POLL);
        }
    }

    /// Asks it to end: whoever is there is not waited for, and what k6 has counted is written.
    pub(super) fn interrupt(&self) {
        if let Some(identity) = Identity::of(self.child.id()) {
            identity.signal(Signal::INT);
        }
    }

    /// Where people's lines are written meanwhile.
    pub(super) fn seen(&self) -> PathBuf {
        self.run.seen.clone()
    }

    /// Whether people can come: k6 has made its virtual users and run its set-up.
    pub(super) fn has_begun(&self) -> bool {
        std::fs::read(&self.run.seen).is_ok_and(|text| text.contains(&b'\n'))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            if let Some(identity) = Identity::of(self.child.id()) {
                identity.signal(Signal::KILL);
            }
            drop(self.child.wait());
        }
    }
}

/// An error unless k6 ran its script to the end; a missed threshold of k6's own is for the verdict to tell.
pub(super) fn require(run: &Run) -> Result<()> {
    require_code(run, &[0, 99])
}

/// The same for a load that is to go on until it is interrupted.
pub(super) fn require_ended(run: &Run) -> Result<()> {
    require_code(run, &[0, 99, 105])
}

fn require_code(run: &Run, codes: &[i32]) -> Result<()> {
    if run.code.is_some_and(|code| codes.contains(&code)) {
        return Ok(());
    }
    let said = std::fs::read_to_string(&run.log).unwrap_or_default();
    let lines: Vec<&str> = said.lines().collect();
    let last = lines.get(lines.len().saturating_sub(8)..).unwrap_or_default().join("\n    ");
    bail!("{}:\n    {last}", k6::verdict(run.code).1)
}
