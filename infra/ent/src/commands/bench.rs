//! Settles how benchmarks are run: built in release mode when they are asked for, by a program that only they need.

use anyhow::Result;

use crate::cli;
use crate::context::Context;
use crate::exit;
use crate::process;
use crate::services::cargo;

/// Runs one benchmark or all; the exit code is 1 where an aim was missed.
pub(crate) fn run(context: &Context, asked: &cli::Bench) -> Result<u8> {
    let mut command = cargo(&context.layout.root);
    command.args(["run", "--release", "--package", "bench", "--"]).args(&asked.name);
    if asked.json {
        command.arg("--json");
    }
    let status = process::attached(&context.signals, command)?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::FAILED))
}
