//! Settles the proof that hijacked accounts get nowhere: the night of March 2024 and the morning after it, twenty times over.
//!
//! Thirty accounts in 25 schools write what a campaign writes (`loadtests/lib/thieves.ts`), while others go on. Once a message is held
//! an operator closes sending, takes the accounts from the thieves with all that they sent, and keeps the evidence: from a
//! terminal, with the commands that anybody has. What thieves, honest people and recipients saw is judged, never the
//! word of the services. Each campaign has a month of its own (`calendar.rs`).

mod act;
mod calendar;
mod evidence;
mod figures;
mod operator;
mod replay;
mod report;
mod stack;
mod verdict;

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::json;
use shared::ablation::Ablation;

use crate::commands::up;
use crate::context::Context;
use crate::proofs::aim::Outcome;
use crate::proofs::generator::{self, Load};
use crate::proofs::seen::{Seen, real};
use crate::ui;
use calendar::Days;
use figures::Figures;
use operator::Operator;
use replay::Replay;
use report::Told;
pub(crate) use stack::FOLDER;
use stack::Stack;

/// Campaigns, where nobody asks for another number.
pub(crate) const USUAL: u16 = 20;
/// One of each family.
pub(crate) const FEWEST: u16 = 6;
/// One message to one head: shown, and not judged, because nothing can tell it from an honest one.
const SINGLE: &str = "single_message";

/// What is asked of the proof.
pub(crate) struct Asked {
    /// Campaigns.
    pub(crate) seeds: u16,
    /// Whether programs read the outcome.
    pub(crate) json: bool,
    /// The parts that have to be switched off.
    pub(crate) without: Ablation,
}

/// Makes the proof; exit code 0 when it holds, 1 when not.
pub(crate) fn run(context: &Context, k6: &Path, asked: &Asked) -> Result<u8> {
    let folder = context.layout.reports().join("compromised-account");
    std::fs::create_dir_all(&folder)?;
    let load = Load { context, k6, folder };
    let step = context.ui.step("a backend with a region");
    let stack = Stack::start(context)?;
    step.done("");
    let seeds = u32::from(asked.seeds);
    let days = Days::begin(&context.layout)?;
    let settled = settle(&load, &stack, &days, seeds)?;
    let run = |seed, family| campaign(&load, &stack, &days, &settled, seed, family);
    let campaigns: Vec<Figures> = (0..seeds).map(|seed| run(seed, None)).collect::<Result<_>>()?;
    let single = run(seeds, Some(SINGLE))?;
    // In containers others go on with this backend: a month later what the operator has closed is open again.
    stack.leave(days.campaign_s(seeds + 1)?)?;
    let told = Told::of(campaigns, single, settled.capacity, asked);
    for (name, text) in
        [("report.json", told.json()?), ("report.md", told.markdown()), ("report.html", told.page())]
    {
        std::fs::write(load.folder.join(name), text)?;
    }
    ui::out(&if asked.json { told.json()? } else { told.scorecard() })?;
    context.ui.line(&format!("report: {}", context.shown_report("compromised-account/report.html")));
    Ok(u8::from(told.outcome() != Outcome::Green))
}

/// What was before the first campaign.
struct Settled {
    /// Sign-ins per second.
    capacity: f64,
    /// Devices that people have signed in on.
    devices: PathBuf,
}

/// People sign in and write for the first time, two days ahead of the first campaign, and again a day ahead of it: by then their
/// devices are theirs, and whoever comes on a new one is somebody else.
fn settle(load: &Load<'_>, stack: &Stack<'_>, days: &Days, seeds: u32) -> Result<Settled> {
    let mut step = load.context.ui.step("the days before");
    step.detail("people sign in on their devices, and write");
    let environment = [("SEED", seeds.saturating_sub(1).to_string())];
    let run = load.start("settle", "settle", &environment)?.wait(load.context, |_| Ok(()))?;
    generator::require(&run)?;
    let seen = Seen::read(&run.seen)?;
    let devices = load.folder.join("devices.json");
    let known = seen.people.iter().filter_map(|person| {
        let (login, device) = person.login.as_ref().zip(person.device.as_ref())?;
        Some(json!({ "role": person.role, "login": login, "device": device }))
    });
    std::fs::write(&devices, serde_json::to_string(&known.collect::<Vec<_>>())?)?;
    let capacity = rate(&seen);
    ensure!(capacity > 0.0, "nobody could sign in; `{}` says why", run.log.display());
    step.detail("they come back the next day");
    stack.set_calendar(days.day_after_s())?;
    let [seed] = environment;
    let environment = [seed, ("DEVICES", devices.display().to_string())];
    let run = load.start("next-day", "settle", &environment)?.wait(load.context, |_| Ok(()))?;
    generator::require(&run)?;
    step.done(&format!("{} people, {capacity:.1} sign-ins/s", seen.people.len()));
    Ok(Settled { capacity, devices })
}

fn rate(seen: &Seen) -> f64 {
    let signed_in = || seen.people.iter().filter_map(|person| person.signed_in);
    let last = signed_in().max().map_or(0.0, |at| seen.since_start(at));
    real(signed_in().count()) / last.max(1.0)
}

fn campaign(
    load: &Load<'_>,
    stack: &Stack<'_>,
    days: &Days,
    settled: &Settled,
    seed: u32,
    family: Option<&'static str>,
) -> Result<Figures> {
    let mut step = load.context.ui.step(&format!("campaign {seed}"));
    let ahead_s = days.campaign_s(seed)?;
    step.detail(calendar::Hour::of(seed).name());
    stack.set_calendar(ahead_s)?;
    let operator = Operator {
        context: load.context,
        program: up::binaries(load.context)?.path("messaging"),
        seed,
        ahead_s,
    };
    let (capacity, devices) = (settled.capacity, settled.devices.as_path());
    let figures = Replay { load, seed, family, capacity, devices, operator }.run()?;
    step.done(&report::line(&figures));
    Ok(figures)
}
