//! Settles the proof that the morning of 6 April 2021 ends well: everybody gets in, in order, and whoever is in goes on working.
//!
//! And that of its worst minutes alone: a surge in which ten times as many come as can sign in, until thousands wait.
//!
//! The load is k6's (`loadtests/`): people who come at their time and come back as often as they must, an anonymous flood on
//! top. What people saw is written down one by one; everything that is judged is computed from that, never from the
//! word of the services. Aims, and the counts that they need: `verdict.rs`.

mod calibration;
mod chart;
mod faults;
mod figures;
mod order;
mod page;
mod plan;
mod report;
mod series;
mod verdict;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use shared::ablation::Ablation;

use crate::cli::Profile;
use crate::context::Context;
use crate::proofs::aim::Outcome;
use crate::proofs::generator::{self, Load, Run, Running};
use crate::proofs::seen::Seen;
use crate::services::Instance;
use crate::ui;
use calibration::Capacity;
use figures::Figures;
use plan::Plan;
use report::Told;
use series::Series;

/// The flood, in multiples of it.
const FLOOD: f64 = 10.0;
/// How long a service may take to say what is switched off.
const STATUS_LIMIT: Duration = Duration::from_secs(3);

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Day {
    /// The morning, its attacks included.
    April6,
    /// Ten times as many as can sign in, until as many wait as can be told apart.
    Surge,
}

impl Day {
    /// As the load tests, the report and its folder call it.
    const fn name(self) -> &'static str {
        match self {
            Self::April6 => "april-6",
            Self::Surge => "surge",
        }
    }

    /// The peak, in multiples of the capacity that was just measured.
    const fn peak(self) -> f64 {
        match self {
            Self::April6 => 1.5,
            Self::Surge => 10.0,
        }
    }

    /// Whether attackers come on top.
    fn is_attacked(self) -> bool {
        self == Self::April6
    }
}

/// What is asked of the proof.
pub(crate) struct Asked {
    /// What happens.
    pub(crate) day: Day,
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
    let folder = context.layout.reports().join(asked.day.name());
    std::fs::create_dir_all(&folder)?;
    let load = Load { context, k6, folder };
    let (before, devices) = calibration::measure(context, &load, "before")?;
    let (crowd, flood) = happen(&load, asked, before, &devices)?;
    let (after, _) = calibration::measure(context, &load, "after")?;
    let (plan, seen) = (Plan::read(&crowd.report)?, Seen::read(&crowd.seen)?);
    let capacity = Capacity { before, after };
    let figures = Figures::of(&plan, &seen);
    let has_waiting_room = plan.capabilities.iter().any(|can| can == "waiting_room");
    let verdict =
        verdict::verdict(&figures, &capacity, plan.dropped, has_waiting_room, asked.day.is_attacked());
    let flood: Option<Value> = flood
        .map(|flood| Ok::<_, anyhow::Error>(serde_json::from_str(&std::fs::read_to_string(&flood.report)?)?))
        .transpose()?;
    let told = Told {
        day: asked.day.name(),
        profile: asked.profile.name(),
        ablated: &ablated,
        plan: &plan,
        capacity,
        figures: &figures,
        verdict: &verdict,
        flood: flood.as_ref(),
        failures: &seen.failures(),
    };
    write(&load, &told, &Series::of(&plan, &seen), &seen)?;
    ui::out(&if asked.json { told.json()? } else { told.scorecard() })?;
    context
        .ui
        .line(&format!("report: {}", context.shown_report(&format!("{}/report.html", asked.day.name()))));
    Ok(match verdict.outcome {
        Outcome::Green => 0,
        Outcome::Red => 1,
        Outcome::Void => 4,
    })
}

/// The crowd, and the flood with it where there is one.
fn happen(load: &Load<'_>, asked: &Asked, capacity: f64, devices: &Path) -> Result<(Run, Option<Run>)> {
    let (context, day) = (load.context, asked.day);
    let mut step = context.ui.step(day.name());
    let environment = [
        ("CAPACITY_PER_S", capacity.to_string()),
        ("PEAK_PER_S", (capacity * day.peak()).to_string()),
        ("PATIENCE_S", asked.profile.patience_s().to_string()),
        ("FLOOD_PER_S", (capacity * FLOOD).to_string()),
        ("DEVICES", devices.display().to_string()),
    ];
    step.detail("making the virtual users");
    let mut flood: Option<Running> = None;
    let mut began: Option<std::time::Instant> = None;
    let crowd = load.start("crowd", day.name(), &environment)?.wait(context, |running| {
        if began.is_none() && running.has_begun() {
            began = Some(crate::clock::now());
            if day.is_attacked() {
                flood = Some(load.start("flood", "flood", &environment)?);
            }
        }
        if let Some(began) = began {
            let seconds = began.elapsed().as_secs();
            step.detail(&format!("{} min {:02} s", seconds / 60, seconds % 60 / 15 * 15));
        }
        Ok(())
    })?;
    generator::require(&crowd)?;
    anyhow::ensure!(began.is_some(), "nobody came: {} says why", crowd.log.display());
    let flood = flood.map(|flood| flood.wait(context, |_| Ok(()))).transpose()?;
    if let Some(flood) = &flood {
        generator::require(flood)?;
    }
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
    let url = format!("http://{}/statusz", context.topology.internal_host(&auth));
    let answer = context.block_on("auth", STATUS_LIMIT, async {
        Ok(context.http.get(&url).send().await?.error_for_status()?.bytes().await?)
    })?;
    let status: Value = serde_json::from_slice(&answer)?;
    let parts =
        status.get("ablated").and_then(Value::as_array).context("auth does not say what is switched off")?;
    Ok(parts.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}
