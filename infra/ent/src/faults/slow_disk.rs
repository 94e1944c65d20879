//! Settles how the library of the slow disk is made on this machine, and what to say where it cannot be.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use shared::fault::SlowDisk;

use crate::context::Context;
use crate::layout::{Layout, make_dir};
use crate::{machine, process};

/// How long the C compiler may take for a page of code.
const COMPILE_LIMIT: Duration = Duration::from_mins(1);

/// That of `cargo ent up`, in a folder that PostgreSQL's user may pass through.
pub(crate) fn of_demo(layout: &Layout) -> SlowDisk {
    SlowDisk::new(layout.path("slow-disk"))
}

/// Compiles the library and leaves the disk fast.
pub(crate) fn prepare(context: &Context, disk: &SlowDisk) -> Result<()> {
    let advice = machine::install_command(&["gcc", "libc6-dev"]);
    if machine::find_on_path("cc").is_none() {
        bail!("missing: cc (gcc), which compiles the slow disk. Install with: {advice}");
    }
    make_dir(&context.layout.path("slow-disk"), 0o711)?;
    let compiler = disk.compiler(&context.layout.root.join("infra/faults/slow_disk.c"));
    let compiled = process::captured(&context.layout, &context.signals, &compiler, None, COMPILE_LIMIT)?;
    let what = format!("compiling infra/faults/slow_disk.c (it needs the packages of: {advice})");
    compiled.success(&what)?;
    disk.put_in_place().context("cannot put the slow disk in place")
}
