//! Settles how the load runs: in a process of its own, whose lines are read as they come.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::measure::Tick;
use crate::clock;
use crate::context::Context;
use crate::ports;
use crate::services;

/// Longer than any proof; the load ends with it anyway.
const LASTS: Duration = Duration::from_hours(2);
/// Ticks that are kept: two minutes.
const KEPT: usize = 1_200;

/// The load. Ends with this value.
pub(super) struct Load {
    child: Mutex<Child>,
    ticks: Arc<Mutex<Vec<Tick>>>,
}

/// Builds the program that makes the load; cargo shows its own progress.
pub(super) fn build(context: &Context) -> Result<PathBuf> {
    context.ui.line("Building the load (release) ...");
    services::build_example(context, "shared", "shard_loss")
}

impl Load {
    /// Starts it; `without` names parts of the kit that it does without.
    pub(super) fn start(context: &Context, program: &Path, without: &str) -> Result<Self> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        command.arg(ports::DEMO.redis().map(|port| format!("127.0.0.1:{port}")).join(","));
        command.arg(context.layout.path("secrets/redis")).arg(LASTS.as_secs().to_string());
        command.env("ENT_ABLATE", without).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot start the load")?;
        let output = child.stdout.take().context("the load has no output")?;
        let ticks = Arc::new(Mutex::new(Vec::new()));
        let kept = ticks.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let Some(answers) = answers(&line) else { continue };
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let surplus = kept.len().saturating_sub(KEPT);
                kept.drain(..surplus);
                kept.push(Tick { at: clock::now(), answers });
            }
        });
        Ok(Self { child: Mutex::new(child), ticks })
    }

    /// What was answered lately; an error when the load has ended, with its last words.
    pub(super) fn ticks(&self) -> Result<Vec<Tick>> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(status) = child.try_wait()? {
            let mut said = String::new();
            if let Some(stderr) = &mut child.stderr {
                stderr.take(4_096).read_to_string(&mut said)?;
            }
            bail!("the load has ended ({status}): {}", said.trim());
        }
        Ok(self.ticks.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Ended already, or ends now.
        drop(child.kill());
        drop(child.wait());
    }
}

/// `MILLISECONDS A B C`.
fn answers(line: &str) -> Option<[u32; 3]> {
    let mut numbers = line.split(' ').skip(1).map(|number| number.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_answers_of_three_shards() {
        assert_eq!(answers("1201 50 0 49"), Some([50, 0, 49]));
        assert_eq!(answers("1201 50 0"), None);
        assert_eq!(answers("usage"), None);
    }
}
