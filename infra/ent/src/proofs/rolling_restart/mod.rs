//! Settles the proof that a rolling restart is not noticed: every instance of every service is replaced under a steady load, and
//! no request is lost that a client may repeat once.
//!
//! People of all roles (`loadtests/scenarios/rolling_restart.ts`) sign in, read, write and renew their tokens. What reads or ends
//! something, has an `Idempotency-Key`, or is a sign-in is sent once more after no answer, 502, 503 or 504. At the end senders
//! and recipients look for every message that was acknowledged. Aims, and the counts that they need: `verdict.rs`.

mod front_door;
mod lives;
mod mailboxes;
mod report;
mod stage;
mod verdict;
mod visits;

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use shared::ablation::Ablation;

use crate::context::Context;
use crate::proofs::aim::Outcome;
use crate::proofs::generator::{self, Load};
use crate::proofs::seen::Seen;
use crate::ui;
use front_door::Troubles;
use lives::Lives;
use mailboxes::Mailboxes;
use report::Told;
use stage::Stage;
use verdict::Figures;
use visits::Visits;

/// Instances of each service that are started for the proof.
pub(crate) const INSTANCES: u16 = 3;
/// Visits per second: far below what can sign in, since this is about instances that go, not about instances that are full.
const VISITS_PER_S: f64 = 8.0;

/// What is asked of the proof.
pub(crate) struct Asked {
    /// Whether programs read the outcome.
    pub(crate) json: bool,
    /// The parts that have to be switched off.
    pub(crate) without: Ablation,
}

/// Makes the proof on the backend that runs; exit code 0 when it holds, 1 when not, 4 when the run was void.
pub(crate) fn run(context: &Context, k6: &Path, asked: &Asked) -> Result<u8> {
    let before = Lives::of(context)?;
    before.require_several(context.topology.is_containers())?;
    before.require_without(&asked.without.names())?;
    let folder = context.layout.reports().join("rolling-restart");
    std::fs::create_dir_all(&folder)?;
    let load = Load { context, k6, folder };
    let troubles = Troubles::of(context)?;
    let mut stage = Stage::new(context, before);
    let environment =
        [("VISITS_PER_S", VISITS_PER_S.to_string()), ("LONGEST_S", stage.longest_s().to_string())];
    let run = load.start("load", "rolling-restart", &environment)?.wait(context, |load| stage.look(load))?;
    generator::require_ended(&run)?;
    let passed = stage.finish()?;
    let troubles = Troubles::of(context)?.since(&troubles);
    let (seen, visits) =
        (Seen::read(&run.seen)?.until(passed.stopped_at), Visits::read(&run.seen, passed.stopped_at)?);
    let mailboxes = Mailboxes::look(&load, &visits, seen.start)?;
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&run.report)?)?;
    let dropped =
        report.get("dropped").and_then(Value::as_u64).context("k6 does not say who could not come")?;
    let figures = Figures::of(&passed, &visits, &seen, troubles, &mailboxes, dropped);
    ensure!(figures.asked > 0, "nobody has asked for anything: {} says why", run.log.display());
    let told = Told::of(&passed, &visits, &seen, &figures, asked.without.names());
    for (name, text) in
        [("report.json", told.json()?), ("report.md", told.markdown()), ("report.html", told.page())]
    {
        std::fs::write(load.folder.join(name), text)?;
    }
    ui::out(&if asked.json { told.json()? } else { told.scorecard() })?;
    context.ui.line(&format!("report: {}", load.folder.join("report.html").display()));
    Ok(match told.outcome() {
        Outcome::Green => 0,
        Outcome::Red => 1,
        Outcome::Void => 4,
    })
}
