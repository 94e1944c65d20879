//! Settles how demo data are loaded into a backend that runs.

use std::time::Duration;

use anyhow::{Result, bail};

use super::{summary, up};
use crate::cli;
use crate::context::{Context, Progress};
use crate::exit;
use crate::services;
use crate::supervisor::{self, Dataset, Phase, State};

/// How long the services may take to learn from each other what was loaded.
const PROJECTIONS_LIMIT: Duration = Duration::from_mins(5);

/// Loads a region; another one that is there is replaced only with `--replace`.
pub(crate) fn run(context: &Context, asked: &cli::Seed) -> Result<u8> {
    let running = State::load_running(&context.layout).filter(|state| state.phase == Phase::Ready);
    let Some(state) = running.filter(|state| !state.options.only_engines) else {
        return Err(exit::not_running());
    };
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
    let (_, binaries) = up::read_plan(&context.layout)?;
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
    wait_for_projections(context)?;
    summary::print(context, &state.with_dataset(wanted))?;
    Ok(0)
}

fn wait_for_projections(context: &Context) -> Result<()> {
    let mut step = context.ui.step("Projections");
    let mut watch = services::ProjectionWatch::default();
    context.wait_for("the services to learn from each other", PROJECTIONS_LIMIT, || {
        let progress = watch.look(context);
        if let Progress::Waiting(reason) = &progress {
            step.detail(reason);
        }
        Ok(progress)
    })?;
    step.done("up to date");
    Ok(())
}
