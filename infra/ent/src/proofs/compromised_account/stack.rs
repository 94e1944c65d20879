//! Settles the backend of this proof: one of its own with data of its own, whose calendar is set anew at each start.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::context::Context;
use crate::layout::DATA;
use crate::process;

/// Where its data lie, below `.ent`: a calendar that is ahead must not touch what people have in theirs.
pub(crate) const FOLDER: &str = ".ent/proofs/compromised-account";
/// Tells services how far their calendar is ahead.
pub(super) const CLOCK_AHEAD: &str = "ENT_CLOCK_AHEAD_S";
/// How long a start may take: the first one loads a region.
const START_LIMIT: Duration = Duration::from_mins(10);
const STOP_LIMIT: Duration = Duration::from_mins(2);

/// A backend that is stopped at the end, whatever happens.
pub(super) struct Stack<'a> {
    context: &'a Context,
}

impl<'a> Stack<'a> {
    /// Removes what an earlier proof has left; nothing runs yet.
    pub(super) fn new(context: &'a Context) -> Result<Self> {
        let stack = Self { context };
        stack.stop()?;
        let data = &context.layout.data;
        if data.exists() {
            std::fs::remove_dir_all(data).with_context(|| format!("cannot remove {}", data.display()))?;
        }
        context.layout.prepare()?;
        Ok(stack)
    }

    /// Starts everything with a calendar that is so far ahead.
    pub(super) fn start_ahead(&self, ahead_s: u32) -> Result<()> {
        let arguments = ["up", "--detach", "--wait", "--scale", "region"];
        self.ent(&arguments, ahead_s, START_LIMIT).context("the backend did not start")
    }

    /// Stops everything; the data stay.
    pub(super) fn stop(&self) -> Result<()> {
        self.ent(&["down"], 0, STOP_LIMIT)
    }

    fn ent(&self, arguments: &[&str], ahead_s: u32, limit: Duration) -> Result<()> {
        let layout = &self.context.layout;
        let mut command = Command::new("/proc/self/exe");
        command.args(arguments).current_dir(&layout.root);
        command.env(DATA, &layout.data).env(CLOCK_AHEAD, ahead_s.to_string());
        process::capture(layout, &self.context.signals, command, limit)?
            .success(&format!("cargo ent {}", arguments.join(" ")))
            .map(drop)
    }
}

impl Drop for Stack<'_> {
    fn drop(&mut self) {
        // What stopped the proof is the error to tell.
        drop(self.stop());
    }
}
