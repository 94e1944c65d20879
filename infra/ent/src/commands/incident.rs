//! Settles how `cargo ent incident` hands an act to the service whose command it is, on this host, with the service's own words.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::up;
use crate::cli::Incident;
use crate::context::Context;
use crate::process;
use crate::services::{Instance, config_path};

/// Ends with the exit code of the service's command.
pub(crate) fn run(context: &Context, asked: &Incident) -> Result<u8> {
    let (service, act) = asked.act.command();
    let (_, binaries) = up::read_plan(&context.layout)
        .context("nothing is installed here yet; `cargo ent up` builds and configures the services")?;
    let config = config_path(&context.layout, &Instance { service, number: 1 });
    if !config.is_file() {
        bail!("{} is missing; `cargo ent up` writes it", config.display());
    }
    let mut command = Command::new(binaries.path(service));
    command.arg("operate").arg("--config").arg(config).arg(act).args(&asked.arguments);
    let status = process::attached(&context.signals, command)?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(crate::exit::FAILED))
}
