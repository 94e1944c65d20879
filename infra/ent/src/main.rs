//! Settles what happens between the command line and the exit code of `cargo ent`.

mod cli;
mod clock;
mod commands;
mod containers;
mod context;
#[cfg(test)]
mod documents;
mod engines;
mod exit;
mod faults;
mod installation;
mod layout;
mod machine;
mod ports;
mod process;
mod proofs;
mod region;
mod rolling;
mod services;
mod signals;
mod supervisor;
mod topology;
mod ui;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => exit::report(&error),
    }
}
