//! Settles what is kept of every act: one line of JSON in `.ent/logs/faults.log`, for the time axis of proofs.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::act::Act;
use crate::clock;
use crate::layout::{Layout, open_log};

/// What became of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    /// It began.
    Made,
    /// Another one of the same target took its place.
    Replaced,
    /// Its time was up.
    Expired,
    /// Somebody ended it, or the backend stops.
    Cleared,
    /// Its process ended.
    ProcessEnded,
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    event: Event,
    target: &'a str,
    act: &'a Act,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<&'a str>,
}

/// The log of all acts.
pub(super) struct Journal {
    path: PathBuf,
}

impl Journal {
    /// The log of this installation.
    pub(super) fn new(layout: &Layout) -> Self {
        Self { path: layout.log("faults") }
    }

    /// Adds a line.
    pub(super) fn write(&self, event: Event, target: &str, act: &Act, until: Option<&str>) -> Result<()> {
        let line = Line { at: rfc3339(clock::wall()), event, target, act, until };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        Ok(open_log(&self.path)?.write_all(text.as_bytes())?)
    }
}

/// A time of day as the log writes it, to the millisecond.
pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
