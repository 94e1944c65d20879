//! Settles what parts of the backend cost: each benchmark beside a peer or a limit, measured in the same run, against an aim.
//!
//! `cargo ent bench [NAME] [--json]` runs it. A benchmark is a file here and a line in [`BENCHMARKS`].

mod audit_append;
mod auth;
mod breaker;
mod cache_hit;
mod engines;
mod harness;
mod http;
mod limiter;
mod messaging;
mod report;
mod token_check;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use report::Comparison;

/// Measures what parts of the backend cost. Exit codes: 0 all aims met, 1 an aim missed or not measured, 2 wrong usage.
#[derive(Parser)]
struct Cli {
    /// Which benchmark; all without it.
    #[arg(value_parser = names())]
    name: Option<String>,
    /// One JSON document on standard output.
    #[arg(long)]
    json: bool,
    /// Measure nothing; say what the benchmark needs, a word a line.
    #[arg(long)]
    needs: bool,
    /// Serves the fixed answer of a file, as the peer of `http`.
    #[arg(long, hide = true, value_name = "FILE")]
    serve_bare: Option<PathBuf>,
}

/// A part of the backend, measured in one case or several.
struct Benchmark {
    name: &'static str,
    /// What `cargo ent bench` provides.
    needs: &'static [&'static str],
    run: fn() -> Result<Vec<Comparison>>,
}

/// PostgreSQL and a Redis Cluster, as `ENT_TEST_POSTGRES` and `ENT_TEST_REDIS` name them.
const ENGINES: &str = "engines";

/// The program that asks, on the PATH.
const WRK: &str = "wrk";
/// The release build of courses, named by `ENT_BENCH_COURSES`.
const COURSES: &str = "courses";
/// The release build of auth, named by `ENT_BENCH_AUTH`.
const AUTH: &str = "auth";

/// The release build of messaging, named by `ENT_BENCH_MESSAGING`.
const MESSAGING: &str = "messaging";

/// In the order in which they run.
const BENCHMARKS: &[Benchmark] = &[
    Benchmark { name: "breaker", needs: &[], run: || Ok(breaker::run()) },
    Benchmark { name: "limiter", needs: &[], run: || Ok(limiter::run()) },
    Benchmark { name: "cache-hit", needs: &[ENGINES], run: cache_hit::run },
    Benchmark { name: "token-check", needs: &[], run: token_check::run },
    Benchmark { name: "audit-append", needs: &[ENGINES], run: audit_append::run },
    Benchmark { name: "http", needs: &[ENGINES, WRK, COURSES], run: http::run },
    Benchmark { name: "sign-in", needs: &[ENGINES, AUTH], run: auth::sign_in::run },
    Benchmark { name: "refresh", needs: &[ENGINES, AUTH], run: auth::refresh::run },
    Benchmark { name: "waiting-room-poll", needs: &[ENGINES, WRK, AUTH], run: auth::poll::run },
    Benchmark { name: "revocation", needs: &[ENGINES, AUTH, COURSES], run: auth::revocation::run },
    Benchmark { name: "sessions-memory", needs: &[ENGINES], run: auth::sessions_memory::run },
    Benchmark { name: "stalled-clients", needs: &[ENGINES, COURSES], run: http::stalled::run },
    Benchmark { name: "recall", needs: &[ENGINES, MESSAGING], run: messaging::recall::run },
    Benchmark { name: "restriction", needs: &[ENGINES, MESSAGING], run: messaging::restriction::run },
    Benchmark { name: "inbox", needs: &[ENGINES, MESSAGING], run: messaging::inbox::run },
];

fn names() -> Vec<&'static str> {
    BENCHMARKS.iter().map(|benchmark| benchmark.name).collect()
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    if let Some(file) = cli.serve_bare {
        return http::serve_bare(&file).map(|()| ExitCode::SUCCESS);
    }
    let is_asked = |benchmark: &&Benchmark| cli.name.as_deref().is_none_or(|asked| asked == benchmark.name);
    let asked: Vec<&Benchmark> = BENCHMARKS.iter().filter(is_asked).collect();
    if cli.needs {
        print_needs(&asked);
        return Ok(ExitCode::SUCCESS);
    }
    let mut comparisons = Vec::new();
    for benchmark in asked {
        comparisons
            .extend((benchmark.run)().with_context(|| format!("{} was not measured", benchmark.name))?);
    }
    report::print(&comparisons, cli.json);
    Ok(if comparisons.iter().all(Comparison::is_met) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::print_stdout, reason = "the command line's own answer")]
fn print_needs(asked: &[&Benchmark]) {
    let mut needs: Vec<&str> = asked.iter().flat_map(|benchmark| benchmark.needs).copied().collect();
    needs.sort_unstable();
    needs.dedup();
    for need in needs {
        println!("{need}");
    }
}
