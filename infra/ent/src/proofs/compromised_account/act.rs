//! Settles what is known of a thief's act and of a witness's look: what they saw, as k6 wrote it down, one line of JSON each.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::proofs::seen::is_done;

/// Something that a thief did. Times are milliseconds since 1970.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Act {
    pub(super) thief: usize,
    pub(super) role: String,
    /// The UAI of the account's school.
    pub(super) school: String,
    #[serde(rename = "act")]
    pub(super) did: Kind,
    pub(super) at: u64,
    pub(super) ended_at: u64,
    /// `ok`: delivered; `held`: waits for somebody's look.
    pub(super) outcome: String,
    pub(super) detail: String,
    /// Whose account it is, where the target says so.
    pub(super) person: Option<String>,
    #[serde(default)]
    pub(super) recipients: u64,
    /// Names of those whom it is for, where they were chosen one by one.
    #[serde(default)]
    pub(super) readers: Vec<String>,
    /// The name of the class or teaching group that all of it is for.
    pub(super) to_class: Option<String>,
}

/// What a thief can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    SignIn,
    Read,
    Send,
}

/// What a recipient found.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Witness {
    pub(super) has_looked: bool,
    /// Texts of the campaign that could be read.
    pub(super) copies: usize,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Act(Act),
    Witness(Witness),
    Start {},
    Person {},
}

impl Act {
    /// Whether the target did what was asked.
    pub(super) fn is_done(&self) -> bool {
        is_done(&self.outcome)
    }

    /// Whether copies of the campaign can be read because of it.
    pub(super) fn is_delivered(&self) -> bool {
        self.did == Kind::Send && self.outcome == "ok"
    }

    /// Whether the target kept it back.
    pub(super) fn is_held(&self) -> bool {
        self.did == Kind::Send && self.outcome == "held"
    }
}

/// Everything that thieves did, in the order of its end; a line that is cut off is still being written.
pub(super) fn acts(path: &Path) -> Result<Vec<Act>> {
    let mut acts: Vec<Act> = lines(path)?
        .into_iter()
        .filter_map(|line| match line {
            Line::Act(act) => Some(act),
            Line::Witness(_) | Line::Start {} | Line::Person {} => None,
        })
        .collect();
    acts.sort_by_key(|act| act.ended_at);
    Ok(acts)
}

/// What all witnesses found.
pub(super) fn witnesses(path: &Path) -> Result<Vec<Witness>> {
    let witness = |line| match line {
        Line::Witness(witness) => Some(witness),
        Line::Act(_) | Line::Start {} | Line::Person {} => None,
    };
    Ok(lines(path)?.into_iter().filter_map(witness).collect())
}

fn lines(path: &Path) -> Result<Vec<Line>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}
