//! Settles how demo data get into the databases: generated once into files, then loaded by each service itself.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::Dataset;
use crate::clock;
use crate::context::Context;
use crate::layout::{make_dir, remove_dir, write_file};
use crate::region;
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

/// Generates into a new folder that takes its place when it is whole.
fn generate(context: &Context, dataset: &Dataset, folder: &Path) -> Result<()> {
    let new = folder.with_extension("new");
    remove_dir(&new)?;
    make_dir(&new, 0o700)?;
    generate_beside(context, dataset, new.clone())?;
    remove_dir(folder)?;
    std::fs::rename(&new, folder).context("cannot put the generated region in place")
}

/// The generator computes for seconds; on a thread beside, so that Ctrl-C is heard meanwhile.
fn generate_beside(context: &Context, dataset: &Dataset, out: PathBuf) -> Result<()> {
    let (sender, finished) = channel();
    let (scale, seed) = (dataset.scale, dataset.seed);
    std::thread::Builder::new().name("region".to_owned()).spawn(move || {
        // The receiver may have given up; then nobody is left to tell.
        drop(sender.send(region::generate(scale, seed, &out, &out.join("accounts.csv"))));
    })?;
    let began = clock::now();
    loop {
        context.signals.check()?;
        match finished.recv_timeout(Duration::from_millis(100)) {
            Ok(result) => return result.map(drop),
            Err(RecvTimeoutError::Disconnected) => bail!("the generator broke off; its message is above"),
            Err(RecvTimeoutError::Timeout) if began.elapsed() > GENERATE_LIMIT => {
                bail!("the generator took longer than {} s", GENERATE_LIMIT.as_secs())
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
