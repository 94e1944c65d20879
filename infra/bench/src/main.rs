//! Settles what parts of the backend cost: each benchmark beside a peer or a limit, measured in the same run, against an aim.
//!
//! `cargo ent bench [NAME] [--json]` runs it. A benchmark is a file here and a line in [`BENCHMARKS`].

mod breaker;
mod harness;
mod report;

use std::process::ExitCode;

use clap::Parser;
use report::Comparison;

/// Measures what parts of the backend cost. Exit codes: 0 all aims met, 1 an aim missed, 2 wrong usage.
#[derive(Parser)]
struct Cli {
    /// Which benchmark; all without it.
    #[arg(value_parser = names())]
    name: Option<String>,
    /// One JSON document on standard output.
    #[arg(long)]
    json: bool,
}

/// Measures a part of the backend, in one case or several.
type Benchmark = fn() -> Vec<Comparison>;

/// Name and code of each benchmark.
const BENCHMARKS: &[(&str, Benchmark)] = &[("breaker", breaker::run)];

fn names() -> Vec<&'static str> {
    BENCHMARKS.iter().map(|(name, _)| *name).collect()
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let is_asked = |name: &str| cli.name.as_deref().is_none_or(|asked| asked == name);
    let asked = BENCHMARKS.iter().filter(|(name, _)| is_asked(name));
    let comparisons: Vec<Comparison> = asked.flat_map(|(_, run)| run()).collect();
    report::print(&comparisons, cli.json);
    if comparisons.iter().all(Comparison::is_met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
