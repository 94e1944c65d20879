//! Settles how `cargo ent incident` hands an act to the service whose command it is, on this host, with the service's own words.

use std::process::Command;

use anyhow::{Result, bail};

use super::up;
use crate::cli::Incident;
use crate::context::Context;
use crate::process;
use crate::services::{Instance, config_path};

/// Ends with the exit code of the service's command.
pub(crate) fn run(context: &Context, asked: &Incident) -> Result<u8> {
    let (service, act) = asked.act.command();
    let program = up::binaries(context)?.path(service);
    let config = config_path(&context.layout, &Instance { service, number: 1 });
    if !config.is_file() {
        bail!("{} is missing; `cargo ent up` writes it", config.display());
    }
    let mut command = Command::new(program);
    command.arg("operate").arg("--config").arg(config).arg(act).args(&asked.arguments);
    let status = process::attached(&context.signals, command)?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(crate::exit::FAILED))
}
