//! Settles the proof that the morning of 6 April 2021 ends well: everybody gets in, in order, and whoever is in goes on working.
//!
//! The load is k6's (`loadtests/`): people who come at their time and come back as often as they must, an anonymous flood on
//! top. What people saw is written down one by one; everything that is judged is computed from that, never from the
//! word of the services. Aims, and the counts that they need: `verdict.rs`.

mod calibration;
mod chart;
mod faults;
mod figures;
mod generator;
mod order;
mod page;
mod plan;
mod report;
mod seen;
mod series;
mod verdict;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use shared::ablation::Ablation;

use crate::cli::Profile;
use crate::context::Context;
use crate::services::Instance;
use crate::ui;
use calibration::Capacity;
use figures::Figures;
use generator::{Load, Run, Running};
use plan::Plan;
use report::Told;
use seen::Seen;
use series::Series;
use verdict::Outcome;

/// The peak, in multiples of the capacity that was just measured.
const PEAK: f64 = 1.5;
/// The flood, in multiples of it.
const FLOOD: f64 = 10.0;
/// How long a service may take to say what is switched off.
const STATUS_LIMIT: Duration = Duration::from_secs(3);

/// What is asked of the proof.
pub(crate) struct Asked {
    /// How patient people are.
    pub(crate) profile: Profile,
    /// Whether programs read the outcome.
    pub(crate) json: bool,
    /// The parts that have to be switched off.
    pub(crate) without: Ablation,
}

/// Makes the proof on the backend that runs; exit code 0 when it holds, 1 when not, 4 when the run was void.
pub(crate) fn run(context: &Context, k6: &Path, asked: &Asked) -> Result<u8> {
    let ablated = ablated(context)?;
    let names = asked.without.names();
    ensure!(
        ablated == names,
        "the backend runs without {ablated:?}, and was asked to be without {names:?}; `cargo ent down` first"
    );
    let folder = context.layout.path("reports/april-6");
    std::fs::create_dir_all(&folder)?;
    let load = Load { context, k6, folder };
    let (before, devices) = calibration::measure(context, &load, "before")?;
    let (crowd, flood) = morning(&load, asked.profile, before, &devices)?;
    let (after, _) = calibration::measure(context, &load, "after")?;
    let (plan, seen) = (Plan::read(&crowd.report)?, Seen::read(&crowd.seen)?);
    let capacity = Capacity { before, after };
    let figures = Figures::of(&plan, &seen);
    let has_waiting_room = plan.capabilities.iter().any(|can| can == "waiting_room");
    let verdict = verdict::verdict(&figures, &capacity, plan.dropped, has_waiting_room);
    let flood: Value = serde_json::from_str(&std::fs::read_to_string(&flood.report)?)?;
    let told = Told {
        profile: asked.profile.name(),
        ablated: &ablated,
        plan: &plan,
        capacity,
        figures: &figures,
        verdict: &verdict,
        flood: &flood,
        failures: &seen.failures(),
    };
    write(&load, &told, &Series::of(&plan, &seen), &seen)?;
    ui::out(&if asked.json { told.json()? } else { told.scorecard() })?;
    context.ui.line(&format!("report: {}", load.folder.join("report.html").display()));
    Ok(match verdict.outcome {
        Outcome::Green => 0,
        Outcome::Red => 1,
        Outcome::Void => 4,
    })
}

/// The crowd, and the flood with it.
fn morning(load: &Load<'_>, profile: Profile, capacity: f64, devices: &Path) -> Result<(Run, Run)> {
    let context = load.context;
    let mut step = context.ui.step("6 April");
    let environment = [
        ("CAPACITY_PER_S", capacity.to_string()),
        ("PEAK_PER_S", (capacity * PEAK).to_string()),
        ("PATIENCE_S", profile.patience_s().to_string()),
        ("FLOOD_PER_S", (capacity * FLOOD).to_string()),
        ("DEVICES", devices.display().to_string()),
    ];
    step.detail("making the virtual users");
    let crowd = load.start("crowd", "april-6", &environment)?;
    let mut flood: Option<Running> = None;
    let began = std::cell::Cell::new(None);
    let crowd = {
        let flood = &mut flood;
        crowd.wait(context, |running| {
            if flood.is_none() && running.has_begun() {
                began.set(Some(crate::clock::now()));
                *flood = Some(load.start("flood", "flood", &environment)?);
            }
            let seconds = began.get().map(|began: std::time::Instant| began.elapsed().as_secs());
            if let Some(seconds) = seconds {
                step.detail(&format!("{} min {:02} s", seconds / 60, seconds % 60 / 15 * 15));
            }
            Ok(())
        })?
    };
    generator::require(&crowd)?;
    let flood =
        flood.context("the crowd was over before the flood could begin")?.wait(context, |_| Ok(()))?;
    generator::require(&flood)?;
    step.done("everybody has been served or has gone");
    Ok((crowd, flood))
}

fn write(load: &Load<'_>, told: &Told<'_>, series: &Series, seen: &Seen) -> Result<()> {
    let faults = faults::during(&load.context.layout.log("faults"), seen, series.length_s);
    let put = |name: &str, text: String| {
        let path = load.folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    put("report.json", told.json()?)?;
    put("report.md", told.markdown())?;
    put("report.html", page::page(told, series, &faults))
}

/// What the services say is switched off.
fn ablated(context: &Context) -> Result<Vec<String>> {
    let auth = Instance { service: "auth", number: 1 };
    let url = format!("http://{}/statusz", auth.internal_address());
    let answer = context.block_on("auth", STATUS_LIMIT, async {
        Ok(context.http.get(&url).send().await?.error_for_status()?.bytes().await?)
    })?;
    let status: Value = serde_json::from_slice(&answer)?;
    let parts =
        status.get("ablated").and_then(Value::as_array).context("auth does not say what is switched off")?;
    Ok(parts.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}
