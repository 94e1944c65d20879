//! Settles how a service's own subcommands are run: migrations and the loading of demo data.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::{Binaries, Instance, config_path};
use crate::context::Context;
use crate::process;

/// How long a service's migrations may take on demo data.
const MIGRATION_LIMIT: Duration = Duration::from_mins(2);
/// How long loading one service's data may take; the region is to be loaded in well under a minute.
const SEED_LIMIT: Duration = Duration::from_mins(5);

/// Brings one service's database to its newest shape.
pub(crate) fn migrate(context: &Context, binaries: &Binaries, service: &'static str) -> Result<()> {
    run(context, binaries, service, &["migrate".into()], MIGRATION_LIMIT).map(drop)
}

/// Loads one service's part of a generated region; returns what the service said last.
pub(crate) fn seed(
    context: &Context,
    binaries: &Binaries,
    service: &'static str,
    folder: &Path,
    is_replacing: bool,
) -> Result<String> {
    let mut arguments = vec!["seed".into(), folder.as_os_str().to_owned()];
    if is_replacing {
        arguments.push("--replace".into());
    }
    let output = run(context, binaries, service, &arguments, SEED_LIMIT)?;
    Ok(output.lines().last().unwrap_or_default().to_owned())
}

fn run(
    context: &Context,
    binaries: &Binaries,
    service: &'static str,
    arguments: &[OsString],
    limit: Duration,
) -> Result<String> {
    let config = config_path(&context.layout, &Instance { service, number: 1 });
    let mut command = Command::new(binaries.path(service));
    command.arg("--config").arg(config).args(arguments);
    let verb = arguments.first().cloned().unwrap_or_default();
    let result = process::captured(&context.layout, &context.signals, &command, None, limit)?;
    result.success(&format!("`{service} {}`", verb.display()))
}
