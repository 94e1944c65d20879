//! Settles what `ent` does in the containers of `infra/compose.yaml` that run once before the services: each step may be done again and changes nothing then.

mod cluster;
mod databases;
mod init;
mod volumes;

use anyhow::{Context as _, Result, ensure};

use crate::cli::ContainerStep;
use crate::commands::up;
use crate::context::Context;
use crate::region::Scale;
use crate::services;
use crate::supervisor::{self, DEFAULT_SEED, Dataset, Options};

/// Names the demo data of a new installation: `small` or `region`.
const SCALE: &str = "CARGO_ENT_SCALE";
/// Where telemetry goes, if anywhere.
const OTLP: &str = "CARGO_ENT_OTLP";

/// Does one step.
pub(crate) fn run(context: &Context, step: ContainerStep) -> Result<u8> {
    ensure!(context.topology.is_containers(), "this is for the containers of infra/compose.yaml");
    match step {
        ContainerStep::Init => init::run(context)?,
        ContainerStep::Cluster => cluster::run(context)?,
        ContainerStep::Migrate => databases::run(context)?,
        ContainerStep::Seed => seed(context)?,
        ContainerStep::Projections => services::wait_for_projections(context, |_| Ok(()))?,
    }
    Ok(0)
}

/// What this installation was asked for.
pub(crate) fn options(context: &Context) -> Result<Options> {
    let variable = |name| std::env::var_os(name).map(|text| text.to_string_lossy().into_owned());
    let dataset = match Dataset::load(&context.layout)? {
        Some(loaded) => loaded,
        None => Dataset {
            scale: scale(variable(SCALE).as_deref().unwrap_or("small"))?,
            seed: DEFAULT_SEED,
            is_complete: true,
        },
    };
    let otlp = variable(OTLP).filter(|url| !url.is_empty());
    Ok(Options { instances: 1, dataset, otlp, faults: false, only_engines: false })
}

fn scale(text: &str) -> Result<Scale> {
    let scale = <Scale as clap::ValueEnum>::from_str(text, false).ok();
    scale.with_context(|| format!("{SCALE}={text}: either `small` or `region`"))
}

/// Loads the demo data of a new installation; what is there stays.
fn seed(context: &Context) -> Result<()> {
    let Options { dataset, .. } = options(context)?;
    let mut step = context.ui.step(&format!("Demo data {}", dataset.name()));
    let binaries = up::binaries(context)?;
    let said = supervisor::load(context, &binaries, &dataset, !dataset.is_complete, |text| {
        step.detail(text);
        Ok(())
    })?;
    step.done(&said);
    Ok(())
}
