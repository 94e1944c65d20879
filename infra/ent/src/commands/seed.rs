//! Settles how demo data are loaded into a backend that runs.

use anyhow::{Result, bail};

use super::{summary, up};
use crate::cli;
use crate::containers;
use crate::context::Context;
use crate::exit;
use crate::services;
use crate::supervisor::{self, Dataset, Options, Phase, State};

/// Loads a region; another one that is there is replaced only with `--replace`.
pub(crate) fn run(context: &Context, asked: &cli::Seed) -> Result<u8> {
    let options = running(context)?;
    let wanted = Dataset { scale: asked.scale, seed: asked.number, is_complete: true };
    if let Some(loaded) = Dataset::load(&context.layout)?.filter(|_| !asked.replace) {
        if !loaded.is_same(&wanted) {
            bail!(
                "the databases hold the demo data `{}`; `--replace` removes them, with all that was written since",
                loaded.name()
            );
        }
        if !loaded.is_complete {
            bail!(
                "the demo data `{}` were loaded only in part; load them again with --replace",
                loaded.name()
            );
        }
    }
    let binaries = up::binaries(context)?;
    let mut step = context.ui.step(&format!("Demo data {}", wanted.name()));
    let loaded = supervisor::load(context, &binaries, &wanted, asked.replace, |text| {
        step.detail(text);
        Ok(())
    });
    match loaded {
        Ok(said) => step.done(&said),
        Err(error) => {
            step.failed();
            return Err(error);
        }
    }
    let mut step = context.ui.step("Projections");
    services::wait_for_projections(context, |text| {
        step.detail(text);
        Ok(())
    })?;
    step.done("up to date");
    summary::print(context, &Options { dataset: wanted, ..options })?;
    Ok(0)
}

/// What the running backend was asked for.
fn running(context: &Context) -> Result<Options> {
    if context.topology.is_containers() {
        return containers::options(context);
    }
    let running = State::load_running(&context.layout).filter(|state| state.phase == Phase::Ready);
    let options = running.map(|state| state.options).filter(|options| !options.only_engines);
    options.ok_or_else(exit::not_running)
}
