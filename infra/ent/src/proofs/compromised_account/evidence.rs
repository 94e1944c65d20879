//! Settles whether the evidence of an incident proves itself: the bundle verifies offline, and with any byte changed it does not.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::operator::Operator;
use crate::context::Context;
use crate::installation::keys;
use crate::process;

/// Bytes that are changed, one at a time, evenly over the file and never the same in two campaigns.
const EDITS: usize = 16;
/// How long one verification may take.
const LIMIT: Duration = Duration::from_secs(20);

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    pub(super) is_whole: bool,
    pub(super) edits_made: usize,
    pub(super) edits_found: usize,
}

/// Exports the evidence of an incident, verifies it, and verifies copies that were tampered with.
pub(super) fn keep(operator: &Operator<'_>, incident: &str) -> Result<Evidence> {
    let folder = operator.context.layout.path("run");
    let (file, tampered) = (folder.join(format!("{incident}.evidence")), folder.join("tampered.evidence"));
    operator.command(&["export-evidence", incident, &file.to_string_lossy(), "--authority", "Rectorate"])?;
    let is_whole = verifies(operator.context, &file)?;
    let whole = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let step = (whole.len() / EDITS).max(1);
    let places: Vec<usize> =
        (0..whole.len()).skip(usize::try_from(operator.seed)? * 7 % step).step_by(step).take(EDITS).collect();
    let mut edits_found = 0;
    for place in &places {
        let mut edited = whole.clone();
        if let Some(byte) = edited.get_mut(*place) {
            *byte ^= 1;
        }
        std::fs::write(&tampered, &edited)?;
        edits_found += usize::from(!verifies(operator.context, &tampered)?);
    }
    Ok(Evidence { is_whole, edits_made: places.len(), edits_found })
}

fn verifies(context: &Context, file: &Path) -> Result<bool> {
    let mut command = Command::new("/proc/self/exe");
    command
        .args(["evidence", "verify"])
        .arg(file)
        .arg("--key")
        .arg(keys::audit_public(&context.layout, "messaging"))
        .arg("--also")
        .arg(keys::audit_public(&context.layout, "auth"));
    Ok(process::capture(&context.layout, &context.signals, command, LIMIT)?.status.success())
}
