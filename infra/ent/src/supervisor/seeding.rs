//! Settles how demo data get into the databases: generated once into files, then loaded by each service itself.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Dataset;
use crate::context::Context;
use crate::layout::{make_dir, remove_dir, write_file};
use crate::process;
use crate::services::{self, Binaries, SERVICES};

/// How long the generation may take; the large region takes well under a minute.
const GENERATE_LIMIT: Duration = Duration::from_mins(5);

/// Loads the region into every service's database; tells each part through `say`.
pub(crate) fn load(
    context: &Context,
    binaries: &Binaries,
    dataset: &Dataset,
    is_replacing: bool,
    mut say: impl FnMut(&str) -> Result<()>,
) -> Result<String> {
    let folder = context.layout.path("seed").join(dataset.name());
    if is_replacing || !folder.is_dir() {
        say("generating people, classes, courses and threads")?;
        generate(context, dataset, &folder)?;
    }
    Dataset { is_complete: false, ..dataset.clone() }.save(&context.layout)?;
    let mut said = String::new();
    for service in SERVICES {
        say(&format!("{service} loads its part"))?;
        said = services::seed(context, binaries, service, &folder.join(service), is_replacing)?;
    }
    let accounts = std::fs::read(folder.join("accounts.csv")).context("the generator wrote no accounts")?;
    write_file(&context.layout.path("accounts.csv"), accounts, 0o600)?;
    Dataset { is_complete: true, ..dataset.clone() }.save(&context.layout)?;
    Ok(said)
}

/// Generates into a new folder that takes its place when it is whole; in a process of its own, which Ctrl-C can end and
/// whose memory goes with it.
fn generate(context: &Context, dataset: &Dataset, folder: &Path) -> Result<()> {
    let new = folder.with_extension("new");
    remove_dir(&new)?;
    make_dir(&new, 0o700)?;
    // This very program, even if a build has replaced its file meanwhile.
    let mut command = Command::new(format!("/proc/{}/exe", std::process::id()));
    command.args(["generate-region", "--scale", dataset.scale_name(), "--seed", &dataset.seed.to_string()]);
    command.arg(&new);
    let result = process::captured(&context.layout, &context.signals, &command, None, GENERATE_LIMIT)?;
    result.success("the generation of demo data")?;
    remove_dir(folder)?;
    std::fs::rename(&new, folder).context("cannot put the generated region in place")
}
