//! Settles how a proof is run: on the backend that runs, else on one started for it, with a verdict as exit code.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{down, k6, up};
use shared::ablation::Ablation;

use crate::cli::{self, Profile, Scenario, Up};
use crate::context::Context;
use crate::exit;
use crate::installation::calendar;
use crate::layout::DATA;
use crate::ports;
use crate::process;
use crate::proofs::{april_6, compromised_account, rolling_restart, shard_loss};
use crate::region::Scale;
use crate::supervisor::{Dataset, Phase, State};

/// Names the parts that services do without.
const ABLATE: &str = "ENT_ABLATE";

/// Runs a proof; exit code 0 when it holds.
pub(crate) fn run(context: &Context, asked: &cli::Prove) -> Result<u8> {
    match asked.scenario {
        Scenario::Smoke => smoke(context, asked),
        Scenario::ShardLoss => shard_loss(context, asked),
        Scenario::April6 => day(context, asked, april_6::Day::April6),
        Scenario::Surge => day(context, asked, april_6::Day::Surge),
        Scenario::CompromisedAccount => compromised_account(context, asked),
        Scenario::RollingRestart => rolling_restart(context, asked),
    }
}

fn smoke(context: &Context, asked: &cli::Prove) -> Result<u8> {
    if asked.json || asked.without.is_some() {
        bail!("`smoke` has neither --json nor --without; `shard-loss` has");
    }
    let script = context.layout.root.join("loadtests/main.ts");
    if !script.is_file() {
        bail!("{} is missing", script.display());
    }
    let k6 = k6::ensure(context)?;
    k6::check_rules(context, &k6)?;
    on_a_running_backend(context, &Start::WHOLE, || run_k6(context, &k6, &script, "smoke"))
}

/// Needs engines only; on a backend that runs whole, the services lose the shards as well.
fn shard_loss(context: &Context, asked: &cli::Prove) -> Result<u8> {
    if context.topology.is_containers() {
        bail!(
            "in containers shards are lost by hand: `docker compose stop valkey-1`, while `docker compose run --rm prove smoke` runs"
        );
    }
    let without = without(asked)?;
    let asked = shard_loss::Asked { runs: asked.runs, json: asked.json, without };
    let start = Start { only_engines: true, ..Start::WHOLE };
    on_a_running_backend(context, &start, || Ok(u8::from(!shard_loss::run(context, &asked)?)))
}

fn day(context: &Context, asked: &cli::Prove, day: april_6::Day) -> Result<u8> {
    let without = without(asked)?;
    let names = without.names().join(",");
    if std::env::var_os(ABLATE).unwrap_or_default() != *names {
        return again(context, &[(ABLATE, names.into())]);
    }
    let k6 = k6::ensure(context)?;
    k6::check_rules(context, &k6)?;
    let start = Start { scale: Some(Scale::Region), ..Start::WHOLE };
    let asked =
        april_6::Asked { day, profile: asked.profile.unwrap_or(Profile::Ci), json: asked.json, without };
    on_a_running_backend(context, &start, || april_6::run(context, &k6, &asked))
}

/// On data of its own: its calendar goes ahead, which the usual data must not see. In containers there is one backend, and it stays ahead.
fn compromised_account(context: &Context, asked: &cli::Prove) -> Result<u8> {
    let without = without(asked)?;
    let data = context.layout.root.join(compromised_account::FOLDER);
    if context.layout.data != data && !context.topology.is_containers() {
        if State::load_running(&context.layout).is_some() {
            bail!("this proof starts a backend of its own, and the ports are taken: `cargo ent down` first");
        }
        return again(context, &[(ABLATE, without.names().join(",").into()), (DATA, data.into())]);
    }
    let k6 = k6::ensure(context)?;
    k6::check_rules(context, &k6)?;
    let usual = if asked.profile == Some(Profile::Ci) {
        compromised_account::FEWEST
    } else {
        compromised_account::USUAL
    };
    let seeds = asked.seeds.unwrap_or(usual);
    compromised_account::run(context, &k6, &compromised_account::Asked { seeds, json: asked.json, without })
}

fn rolling_restart(context: &Context, asked: &cli::Prove) -> Result<u8> {
    let without = without(asked)?;
    let names = without.names().join(",");
    if std::env::var_os(ABLATE).unwrap_or_default() != *names {
        return again(context, &[(ABLATE, names.into())]);
    }
    let k6 = k6::ensure(context)?;
    k6::check_rules(context, &k6)?;
    let start = Start { instances: rolling_restart::INSTANCES, ..Start::WHOLE };
    let asked = rolling_restart::Asked { json: asked.json, without };
    on_a_running_backend(context, &start, || rolling_restart::run(context, &k6, &asked))
}

/// Runs this very command with other variables: what is started inherits its environment from this process, which cannot change its
/// own.
fn again(context: &Context, environment: &[(&str, OsString)]) -> Result<u8> {
    let mut again = Command::new("/proc/self/exe");
    again.args(std::env::args_os().skip(1)).envs(environment.iter().map(|(name, value)| (name, value)));
    let status = process::attached(&context.signals, again)?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::FAILED))
}

fn without(asked: &cli::Prove) -> Result<Ablation> {
    let from_environment = || std::env::var_os(ABLATE).map(|parts| parts.to_string_lossy().into_owned());
    let without = asked.without.clone().or_else(from_environment).unwrap_or_default();
    serde_json::from_value(without.into()).context("--without")
}

/// What a proof needs to have started.
struct Start {
    only_engines: bool,
    scale: Option<Scale>,
    instances: u16,
}

impl Start {
    const WHOLE: Self = Self { only_engines: false, scale: None, instances: 1 };
}

fn on_a_running_backend(context: &Context, wanted: &Start, proof: impl FnOnce() -> Result<u8>) -> Result<u8> {
    let dataset = running_with(context)?;
    let was_running = dataset.is_some();
    if let Some(loaded) = dataset
        && wanted.scale.is_some_and(|scale| scale != loaded.scale)
    {
        bail!(
            "the backend runs with the data of `--scale {}`, and this proof is planned for another scale: `cargo ent seed --scale region --replace`",
            loaded.scale_name()
        );
    }
    let result = if was_running { Ok(0) } else { start(context, wanted) };
    let result = result.and_then(|_| proof());
    if !was_running {
        // Also what a start that was interrupted has left in the background.
        down::run(context)?;
    }
    result
}

/// The data of the backend that runs. Containers are started by their engine: they run, or it is their user's turn.
fn running_with(context: &Context) -> Result<Option<Dataset>> {
    if context.topology.is_containers() {
        let loaded = Dataset::load(&context.layout)?;
        return loaded.context("no demo data are loaded: `docker compose up --wait` first").map(Some);
    }
    let running = State::load_running(&context.layout).filter(|state| state.phase == Phase::Ready);
    Ok(running.map(|state| state.options.dataset))
}

fn start(context: &Context, wanted: &Start) -> Result<u8> {
    let Start { only_engines, scale, instances } = *wanted;
    let asked = Up { detach: true, wait: true, scale, instances, otlp: None, faults: false, only_engines };
    up::run(context, &asked)
}

fn run_k6(context: &Context, k6: &Path, script: &Path, scenario: &str) -> Result<u8> {
    let report = context.layout.reports().join(format!("{scenario}.json"));
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT", "--"]).arg(k6).arg("run");
    if !std::io::stdout().is_terminal() {
        command.arg("--quiet");
    }
    command.arg(script).current_dir(&context.layout.root);
    command.env("SCENARIO", scenario);
    command.env("BASE_URL", format!("https://localhost:{}", ports::HTTPS));
    command.env("CLOCK_AHEAD_S", calendar::ahead_s(&context.layout)?.to_string());
    command.env("ACCOUNTS", context.layout.path("accounts.csv"));
    command.env("REPORT", &report);
    command.env("SSL_CERT_FILE", context.layout.path("tls/ca.crt"));
    command.env("K6_NO_USAGE_REPORT", "true");
    command.stdin(std::process::Stdio::null());
    let status = process::attached(&context.signals, command)?;
    let (is_green, verdict) = k6::verdict(status.code());
    context.ui.line(&format!(
        "{scenario}: {verdict} (scorecard: {})",
        context.shown_report(&format!("{scenario}.json"))
    ));
    Ok(u8::from(!is_green))
}
