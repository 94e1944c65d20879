//! Settles how many refreshes one core gives, beside as many sign-ins: most of a surge is refreshes.
//!
//! Every refresh presents the handle of the one before, so each of them rotates: an account is read in PostgreSQL, a record written in
//! Redis, a token signed. Client and engines have the other core to themselves: with anything that never rests beside them they
//! wait for a tick of the scheduler at each step, and that is what would be measured.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;

use super::asker::{Answered, Asker};
use super::engines_apart::EnginesApart;
use super::sign_in::{Here, saturate};
use super::{Ours, Setup};
use crate::harness::{Time, median};
use crate::http::programs::Cores;
use crate::report::{Comparison, Figure, Measure};

const ROUNDS: usize = 5;
const SECONDS: Duration = Duration::from_secs(3);
/// Sessions that are refreshed at once: enough to fill the core, and fewer than the least that the adaptive limit lets in.
const SESSIONS: u32 = 12;
/// "At least 20 times the sign-ins per core."
const AIM: f64 = 20.0;
const QUEUE: usize = 512;

/// By how many a second, and by processor time for one.
pub fn run() -> Result<Vec<Comparison>> {
    let cores = Cores::two()?;
    let _here = Here::on(cores.clients)?;
    let setup = Setup::open()?;
    let _apart = EnginesApart::on(cores.clients, &setup)?;
    let ours = setup.start(cores.server, QUEUE, "refresh:")?;
    let asker = Asker::new(&setup, &ours)?;
    let (rates, costs) = setup.engine.run(measure(&asker, &ours))?;
    let figures = |[refreshes, sign_ins]: [Vec<f64>; 2]| {
        vec![
            Figure { name: "ours: refreshes", value: median(refreshes) },
            Figure { name: "ours: sign-ins at saturation", value: median(sign_ins) },
        ]
    };
    Ok(vec![
        Comparison::new(("refresh", "one core"), Measure::Rate, figures(rates), AIM),
        Comparison::new(("refresh, processor time", "one core"), Measure::Cost, figures(costs), 1.0 / AIM),
    ])
}

/// Refreshes and sign-ins in turn: a second, and nanoseconds of the service's processor time for one.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds are far below 2^52")]
async fn measure(asker: &Asker, ours: &Ours) -> Result<([Vec<f64>; 2], [Vec<f64>; 2])> {
    let mut handles = Vec::new();
    for pupil in 0..SESSIONS {
        match asker.sign_in(pupil, None).await? {
            Answered::In(handle) => handles.push(handle),
            Answered::Wait { .. } | Answered::Refused { .. } => {
                anyhow::bail!("nobody has to wait when one after the other signs in")
            }
        }
    }
    let (mut rates, mut costs) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let [refresh_rates, sign_in_rates] = &mut rates;
    let [refresh_costs, sign_in_costs] = &mut costs;
    // The first round fills caches and is not counted.
    for round in 0..=ROUNDS {
        let used = || ours.program.processor_time();
        let before = used()?;
        let refreshes = refresh(asker, &mut handles).await?;
        let between = used()?;
        let sign_ins = saturate(asker, SECONDS).await?;
        let after = used()?;
        if round > 0 {
            let cost = |used: Duration, rate: f64| used.as_nanos() as f64 / (rate * SECONDS.as_secs_f64());
            refresh_rates.push(refreshes);
            sign_in_rates.push(sign_ins);
            refresh_costs.push(cost(between.saturating_sub(before), refreshes));
            sign_in_costs.push(cost(after.saturating_sub(between), sign_ins));
        }
    }
    Ok((rates, costs))
}

/// Refreshes a second of sessions that are refreshed one time after the other.
#[expect(clippy::cast_precision_loss, reason = "counts of refreshes are far below 2^52")]
async fn refresh(asker: &Asker, handles: &mut [String]) -> Result<f64> {
    let begin = Time::Wall.now();
    let one = |handle: &mut String| {
        let mut current = std::mem::take(handle);
        async move {
            let mut count = 0_u64;
            while Time::Wall.now().saturating_sub(begin) < SECONDS {
                current = asker.refresh(&current).await?;
                count += 1;
            }
            anyhow::Ok((current, count))
        }
    };
    let ended = try_join_all(handles.iter_mut().map(one)).await?;
    let passed = Time::Wall.now().saturating_sub(begin);
    let total: u64 = ended.iter().map(|(_, count)| count).sum();
    for (handle, (latest, _)) in handles.iter_mut().zip(ended) {
        *handle = latest;
    }
    Ok(total as f64 / passed.as_secs_f64())
}
