//! Settles how benchmarks are run: built in release mode when they are asked for, given what they need and nothing else.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::test_engines::{TestEngines, exit_code, through_setpriv};
use crate::cli;
use crate::context::Context;
use crate::engines::Durability;
use crate::machine::{self, find_on_path};
use crate::process;
use crate::services::{self, cargo};

/// How long the program may take to say what it needs.
const NEEDS_LIMIT: Duration = Duration::from_secs(10);

/// Runs one benchmark or all; the exit code is 1 where an aim was missed.
pub(crate) fn run(context: &Context, asked: &cli::Bench) -> Result<u8> {
    let built = services::build_programs(context, &["bench"])?;
    let program = built.path("bench");
    let mut question = Command::new(&program);
    question.arg("--needs").args(&asked.name);
    let answer = process::capture(&context.layout, &context.signals, question, NEEDS_LIMIT)?;
    if !answer.status.success() {
        context.ui.line(answer.output.trim_end());
        return Ok(exit_code(answer.status));
    }
    let needs = |what: &str| answer.output.lines().any(|need| need == what);
    let mut command = through_setpriv(&cargo(&context.layout.root), &program);
    command.args(&asked.name);
    if asked.json {
        command.arg("--json");
    }
    if needs("wrk") && find_on_path("wrk").is_none() {
        machine::install_packages(context, &["wrk"], "wrk, which asks services as many clients do")?;
    }
    let programs =
        [("auth", "ENT_BENCH_AUTH"), ("courses", "ENT_BENCH_COURSES"), ("messaging", "ENT_BENCH_MESSAGING")];
    for (service, variable) in programs {
        if needs(service) {
            command.env(variable, services::build_programs(context, &[service])?.path(service));
        }
    }
    if !needs("engines") {
        return attached(context, command);
    }
    // With every commit on the disk, as in service: what it costs is part of some of the figures.
    TestEngines::around(context, Durability::Full, |engines| attached(context, engines.named_to(command)))
}

fn attached(context: &Context, command: Command) -> Result<u8> {
    process::attached(&context.signals, command).map(exit_code)
}
