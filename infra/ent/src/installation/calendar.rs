//! Settles how a proof sets the calendar of the services: one file that all of them watch.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::layout::{Layout, write_file};

/// The file. Alone in its folder, which in containers is a volume that only proofs may write to.
pub(crate) fn file(layout: &Layout) -> PathBuf {
    layout.path("calendar/ahead_s")
}

/// By how many seconds the services' calendar is ahead of the machine's.
pub(crate) fn ahead_s(layout: &Layout) -> Result<u32> {
    let file = file(layout);
    if !file.is_file() {
        return Ok(0);
    }
    let text = std::fs::read_to_string(&file)?;
    text.trim().parse().with_context(|| format!("{} holds no number of seconds", file.display()))
}

/// Sets it; the services end, and come back with it.
pub(crate) fn set(layout: &Layout, ahead_s: u32) -> Result<()> {
    write_file(&file(layout), ahead_s.to_string(), 0o644)
}
