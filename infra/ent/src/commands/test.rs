//! Settles how all tests are run: on engines of their own, which end with the run whatever happens.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::test_engines::{TestEngines, exit_code, through_setpriv};
use crate::cli;
use crate::context::Context;
use crate::engines::Durability;
use crate::machine::{self, find_on_path};
use crate::process;
use crate::services::cargo;

/// Runs the tests; the exit code is theirs.
pub(crate) fn run(context: &Context, asked: &cli::Test) -> Result<u8> {
    let nextest = nextest(context)?;
    if find_on_path("promtool").is_none() {
        machine::install_packages(context, &["prometheus"], "promtool, which tests the alerts")?;
    }
    // Waiting for the disk would be the main cost of engines that are thrown away.
    TestEngines::around(context, Durability::None, |engines| {
        run_tests(context, &nextest, engines, &asked.filter)
    })
}

/// Documentation tests come first, so that the last word on the run is the summary of all the others.
fn run_tests(context: &Context, nextest: &Path, engines: &TestEngines, filter: &[String]) -> Result<u8> {
    let cargo = cargo(&context.layout.root);
    let mut documentation = 0;
    if filter.is_empty() {
        let mut command = through_setpriv(&cargo, Path::new(cargo.get_program()));
        command.args(["test", "--doc", "--workspace"]);
        documentation = exit_code(process::attached(&context.signals, engines.named_to(command))?);
    }
    let mut command = through_setpriv(&cargo, nextest);
    command.args(["nextest", "run"]).args(filter);
    // nextest takes the union of `--workspace` and a package that somebody chose.
    if !filter.iter().any(|argument| argument.starts_with("-p") || argument.starts_with("--package")) {
        command.arg("--workspace");
    }
    let tests = exit_code(process::attached(&context.signals, engines.named_to(command))?);
    Ok(if tests == 0 { documentation } else { tests })
}

/// `cargo-nextest`: from the PATH, else from `.ent/tools`, where it is installed when it is nowhere.
fn nextest(context: &Context) -> Result<PathBuf> {
    let own = context.layout.tools().join("bin/cargo-nextest");
    let found = find_on_path("cargo-nextest").or_else(|| Some(own.clone()).filter(|path| path.is_file()));
    if let Some(path) = found {
        return Ok(path);
    }
    context.ui.line("cargo-nextest is missing; installing it into .ent/tools (a few minutes, once) ...");
    let mut command = cargo(&context.layout.root);
    command.args(["install", "cargo-nextest", "--locked", "--root"]).arg(context.layout.tools());
    let status = process::attached(&context.signals, command)?;
    if !status.success() {
        bail!("cargo-nextest could not be installed; its messages are above");
    }
    Some(own).filter(|path| path.is_file()).context("cargo installed no cargo-nextest")
}
