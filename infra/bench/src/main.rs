//! Settles what parts of the backend cost, each beside a peer or a limit that is measured in the same run, and what detection finds.
//!
//! `cargo ent bench [NAME] [--json]` runs it. A benchmark is a file here and a line in [`BENCHMARKS`].

mod audit_append;
mod auth;
mod breaker;
mod cache_hit;
mod detection;
mod engines;
mod finding;
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
use detection::Side;
use finding::Finding;
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
    /// Findings of `detection` on the seeds on which its weights are chosen.
    #[arg(long, hide = true)]
    tuning: bool,
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
    run: Run,
}

/// What it gives.
#[derive(Clone, Copy)]
enum Run {
    /// Ours beside peers.
    Compare(fn() -> Result<Vec<Comparison>>),
    /// Figures that stand for themselves, of generated days.
    Find(fn(Side) -> Vec<Finding>),
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
    Benchmark { name: "breaker", needs: &[], run: Run::Compare(|| Ok(breaker::run())) },
    Benchmark { name: "limiter", needs: &[], run: Run::Compare(|| Ok(limiter::run())) },
    Benchmark { name: "cache-hit", needs: &[ENGINES], run: Run::Compare(cache_hit::run) },
    Benchmark { name: "token-check", needs: &[], run: Run::Compare(token_check::run) },
    Benchmark { name: "audit-append", needs: &[ENGINES], run: Run::Compare(audit_append::run) },
    Benchmark { name: "http", needs: &[ENGINES, WRK, COURSES], run: Run::Compare(http::run) },
    Benchmark { name: "sign-in", needs: &[ENGINES, AUTH], run: Run::Compare(auth::sign_in::run) },
    Benchmark { name: "refresh", needs: &[ENGINES, AUTH], run: Run::Compare(auth::refresh::run) },
    Benchmark { name: "waiting-room-poll", needs: &[ENGINES, WRK, AUTH], run: Run::Compare(auth::poll::run) },
    Benchmark {
        name: "revocation",
        needs: &[ENGINES, AUTH, COURSES],
        run: Run::Compare(auth::revocation::run),
    },
    Benchmark { name: "sessions-memory", needs: &[ENGINES], run: Run::Compare(auth::sessions_memory::run) },
    Benchmark { name: "detection", needs: &[], run: Run::Find(detection::run) },
    Benchmark { name: "stalled-clients", needs: &[ENGINES, COURSES], run: Run::Compare(http::stalled::run) },
    Benchmark { name: "recall", needs: &[ENGINES, MESSAGING], run: Run::Compare(messaging::recall::run) },
    Benchmark {
        name: "restriction",
        needs: &[ENGINES, MESSAGING],
        run: Run::Compare(messaging::restriction::run),
    },
    Benchmark { name: "send", needs: &[ENGINES, MESSAGING], run: Run::Compare(messaging::send::run) },
    Benchmark { name: "sends", needs: &[ENGINES, MESSAGING], run: Run::Compare(messaging::sends::run) },
    Benchmark { name: "inbox", needs: &[ENGINES, MESSAGING], run: Run::Compare(messaging::inbox::run) },
    Benchmark {
        name: "event-streams",
        needs: &[ENGINES, MESSAGING],
        run: Run::Compare(messaging::event_streams::run),
    },
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
    let side = if cli.tuning { Side::Tuning } else { Side::Reported };
    let (mut comparisons, mut findings) = (Vec::new(), Vec::new());
    for benchmark in asked {
        match benchmark.run {
            Run::Compare(run) => {
                comparisons.extend(run().with_context(|| format!("{} was not measured", benchmark.name))?);
            }
            Run::Find(run) => findings.extend(run(side)),
        }
    }
    report::print(&comparisons, &findings, cli.json);
    let is_met = comparisons.iter().all(Comparison::is_met) && findings.iter().all(Finding::is_met);
    Ok(if is_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
