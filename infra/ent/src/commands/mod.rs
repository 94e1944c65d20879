//! Settles which code carries out which command.

pub(crate) mod accounts;
mod bench;
mod detach;
mod doctor;
mod down;
mod evidence;
mod fault;
mod generate;
mod incident;
pub(crate) mod k6;
mod logs;
mod prove;
mod restart;
mod seed;
mod status;
mod summary;
mod test;
mod test_engines;
mod totp;
pub(crate) mod up;

use anyhow::Result;

use crate::cli::{Cli, Command};
use crate::containers;
use crate::context::Context;
use crate::faults;
use crate::region;
use crate::ui::Ui;

/// Carries out a command; returns its exit code.
pub(crate) fn run(cli: &Cli) -> Result<u8> {
    match &cli.command {
        Command::Up(options) => up::run(&context()?, options),
        Command::Down => down::run(&context()?),
        Command::Status(options) => status::run(&context()?, options),
        Command::Logs(options) => logs::run(&context()?, options),
        Command::Seed(options) => seed::run(&context()?, options),
        Command::Test(options) => test::run(&context()?, options),
        Command::Restart(options) => restart::run(&context()?, options),
        Command::Prove(options) => prove::run(&context()?, options),
        Command::Bench(options) => bench::run(&context()?, options),
        Command::Fault(options) => fault::run(&context()?, options),
        Command::Incident(options) => incident::run(&context()?, options),
        Command::Evidence(options) => evidence::run(options),
        Command::Totp(options) => totp::run(&context()?, options),
        Command::Doctor => doctor::run(&context()?),
        Command::Generate(options) => generate::run(&context()?, options),
        Command::GenerateRegion(options) => {
            let accounts = options.folder.join("accounts.csv");
            region::generate(options.scale, options.seed, &options.folder, &accounts).map(|_| 0)
        }
        Command::FaultKeeper(options) => {
            faults::run(&Context::new(Ui::log())?, options.instances, options.paths).map(|()| 0)
        }
        Command::Container(step) => containers::run(&context()?, *step),
        Command::Supervise => detach::supervise(&Context::new(Ui::log())?),
    }
}

fn context() -> Result<Context> {
    Context::new(Ui::detect())
}
