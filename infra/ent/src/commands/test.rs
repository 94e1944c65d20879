//! Settles how all tests are run: on engines of their own, which end with the run whatever happens.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::cli;
use crate::context::Context;
use crate::engines::Durability;
use crate::layout::{make_dir, remove_dir};
use crate::machine::{self, find_on_path};
use crate::ports;
use crate::process;
use crate::services::cargo;
use crate::supervisor::{Crew, EngineSet, Lock, Started, start_engines};

/// Runs the tests; the exit code is theirs.
pub(crate) fn run(context: &Context, asked: &cli::Test) -> Result<u8> {
    let folder = context.layout.path("test");
    make_dir(&folder, 0o711)?;
    let Some(_lock) = Lock::try_take(&folder.join("lock"))? else {
        bail!("another `cargo ent test` runs in this checkout; wait for it to end");
    };
    let programs = machine::ensure(context)?;
    let nextest = nextest(context)?;
    for name in ["postgres", "redis", "logs"] {
        remove_dir(&folder.join(name))?;
    }
    make_dir(&folder.join("logs"), 0o700)?;
    let set = EngineSet {
        ports: ports::TEST,
        logs: folder.join("logs"),
        folder,
        durability: Durability::None,
        instances: 1,
        slow_disk: None,
    };
    let mut crew = Crew::default();
    let started = start_engines(context, &mut crew, &programs, &set, |title, work| {
        let step = context.ui.step(&format!("Test {title}"));
        work().map(|text| step.done(&text))
    });
    let result = started.and_then(|started| run_tests(context, &nextest, &started, &asked.filter));
    crew.stop_all(context);
    result
}

/// Documentation tests come first, so that the last word on the run is the summary of all the others.
fn run_tests(context: &Context, nextest: &Path, engines: &Started, filter: &[String]) -> Result<u8> {
    let cargo = cargo(&context.layout.root);
    let mut documentation = 0;
    if filter.is_empty() {
        let mut command = through_setpriv(&cargo, Path::new(cargo.get_program()));
        command.args(["test", "--doc", "--workspace"]);
        documentation = exit_code(process::attached(&context.signals, with_engines(command, engines))?);
    }
    let mut command = through_setpriv(&cargo, nextest);
    command.args(["nextest", "run"]).args(filter);
    // nextest takes the union of `--workspace` and a package that somebody chose.
    if !filter.iter().any(|argument| argument.starts_with("-p") || argument.starts_with("--package")) {
        command.arg("--workspace");
    }
    let tests = exit_code(process::attached(&context.signals, with_engines(command, engines))?);
    Ok(if tests == 0 { documentation } else { tests })
}

fn with_engines(mut command: Command, engines: &Started) -> Command {
    let nodes = ports::TEST.redis().map(|port| format!("127.0.0.1:{port}")).join(",");
    let (port, password) = (engines.admin.port, &engines.admin.password);
    command.env("ENT_TEST_POSTGRES", format!("host=127.0.0.1 port={port} user=ent password={password}"));
    command.env("ENT_TEST_REDIS", format!("redis://:{}@{nodes}", engines.redis_password));
    command
}

/// The tests die with this process, and share its terminal.
fn through_setpriv(model: &Command, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    command.current_dir(model.get_current_dir().unwrap_or(Path::new(".")));
    for (name, value) in model.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

fn exit_code(status: std::process::ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// `cargo-nextest`: from the PATH, else from `.ent/tools`, where it is installed when it is nowhere.
fn nextest(context: &Context) -> Result<PathBuf> {
    let own = context.layout.path("tools/bin/cargo-nextest");
    let found = find_on_path("cargo-nextest").or_else(|| Some(own.clone()).filter(|path| path.is_file()));
    if let Some(path) = found {
        return Ok(path);
    }
    context.ui.line("cargo-nextest is missing; installing it into .ent/tools (a few minutes, once) ...");
    let mut command = cargo(&context.layout.root);
    command.args(["install", "cargo-nextest", "--locked", "--root"]).arg(context.layout.path("tools"));
    let status = process::attached(&context.signals, command)?;
    if !status.success() {
        bail!("cargo-nextest could not be installed; its messages are above");
    }
    Some(own).filter(|path| path.is_file()).context("cargo installed no cargo-nextest")
}
