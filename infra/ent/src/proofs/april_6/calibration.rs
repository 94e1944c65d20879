//! Settles what the target can do now, in sign-ins per second at saturation: measured just before and just after, because machines change within the hour.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::context::Context;
use crate::proofs::generator::{self, Load};
use crate::proofs::seen::{Person, Seen, real};

/// How long people sign in, in seconds.
const LENGTH_S: f64 = 15.0;
/// The first seconds fill caches and are not counted.
const WARM_UP_S: f64 = 3.0;

/// Sign-ins per second, before and after the run.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Capacity {
    pub(super) before: f64,
    pub(super) after: f64,
}

impl Capacity {
    /// What the run is compared with.
    pub(super) fn mean(&self) -> f64 {
        f64::midpoint(self.before, self.after)
    }

    /// How many times the better one is the other.
    pub(super) fn drift(&self) -> f64 {
        self.before.max(self.after) / self.before.min(self.after).max(0.001)
    }
}

/// Measures; leaves the devices that people have signed in on in `devices`.
pub(super) fn measure(context: &Context, load: &Load<'_>, name: &str) -> Result<(f64, PathBuf)> {
    let step = context.ui.step(&format!("calibration {name}"));
    let run = load.start(name, "calibration", &[("CALIBRATION_S", LENGTH_S.to_string())])?;
    let run = run.wait(context, |_| Ok(()))?;
    generator::require(&run)?;
    let seen = Seen::read(&run.seen)?;
    let rate = rate(&seen);
    ensure!(rate > 0.0, "nobody could sign in; `cargo ent logs auth` may say why");
    let devices = load.folder.join(format!("{name}-devices.json"));
    std::fs::write(&devices, devices_of(&seen.people)?)?;
    step.done(&format!("{rate:.1} sign-ins/s"));
    Ok((rate, devices))
}

fn rate(seen: &Seen) -> f64 {
    let at = seen.people.iter().filter_map(|person| person.signed_in).map(|at| seen.since_start(at));
    real(at.filter(|at| (WARM_UP_S..LENGTH_S).contains(at)).count()) / (LENGTH_S - WARM_UP_S)
}

fn devices_of(people: &[Person]) -> Result<String> {
    let device = |person: &Person| {
        person.device.as_ref().map(|device| serde_json::json!({ "role": person.role, "device": device }))
    };
    Ok(serde_json::to_string(&people.iter().filter_map(device).collect::<Vec<_>>())?)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these figures are exact")]
mod tests {
    use super::*;
    use crate::proofs::seen::tests::pupil;

    #[test]
    fn the_rate_is_of_those_who_got_in_between_warm_up_and_end() {
        let times = [1.0, 2.9, 3.1, 9.0, 14.9, 15.1];
        let people = times.map(|at| pupil(0.0, at)).to_vec();
        assert_eq!(rate(&Seen { start: 1_000_000, people }), 3.0 / 12.0);
    }
}
