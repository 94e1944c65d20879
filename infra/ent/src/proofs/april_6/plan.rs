//! Settles what was planned and how the generator itself fared, as k6 reports it at the end.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// The run as planned, with k6's own counts.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Plan {
    pub(super) adapter: String,
    pub(super) capabilities: Vec<String>,
    pub(super) phases: Vec<Phase>,
    pub(super) peak_per_s: f64,
    pub(super) patience_s: f64,
    pub(super) length_s: f64,
    pub(super) planned: usize,
    pub(super) ended: usize,
    pub(super) dropped: usize,
    pub(super) most_vus: usize,
    pub(super) missed: Vec<String>,
}

/// A stretch of the day; shares are of the peak.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Phase {
    pub(super) clock: String,
    pub(super) seconds: f64,
    pub(super) from: f64,
    pub(super) to: f64,
    #[serde(default)]
    pub(super) is_plateau: bool,
    pub(super) flood: Option<String>,
}

impl Plan {
    /// Reads it.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not what was expected", path.display()))
    }

    /// Each phase with the second it begins.
    pub(super) fn phases(&self) -> impl Iterator<Item = (f64, &Phase)> {
        self.phases.iter().scan(0.0, |began, phase| {
            let this = *began;
            *began += phase.seconds;
            Some((this, phase))
        })
    }

    /// People per second planned at a second of the run.
    pub(super) fn rate_at(&self, second: f64) -> f64 {
        let phase = self.phases().find(|(began, phase)| second < began + phase.seconds);
        phase.map_or(0.0, |(began, phase)| {
            self.peak_per_s * (phase.from + (phase.to - phase.from) * (second - began) / phase.seconds)
        })
    }

    /// Whether a plateau goes on at a second.
    pub(super) fn is_plateau(&self, second: f64) -> bool {
        self.phases()
            .any(|(began, phase)| phase.is_plateau && (began..began + phase.seconds).contains(&second))
    }

    /// When the massive flood begins and ends.
    pub(super) fn flood(&self) -> Option<(f64, f64)> {
        let massive = |(_, phase): &(f64, &Phase)| phase.flood.as_deref() == Some("massive");
        self.phases().find(massive).map(|(began, phase)| (began, began + phase.seconds))
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these figures are exact")]
pub(super) mod tests {
    use super::*;

    /// A ramp, a plateau and a flood, ten seconds each.
    pub(crate) fn plan() -> Plan {
        let phase = |clock: &str, from, to, is_plateau, flood: Option<&str>| Phase {
            clock: clock.to_owned(),
            seconds: 10.0,
            from,
            to,
            is_plateau,
            flood: flood.map(str::to_owned),
        };
        Plan {
            adapter: "reference".to_owned(),
            capabilities: vec!["waiting_room".to_owned()],
            phases: vec![
                phase("7:00", 0.0, 1.0, false, None),
                phase("8:00", 1.0, 1.0, true, None),
                phase("14:30", 0.5, 0.5, false, Some("massive")),
            ],
            peak_per_s: 10.0,
            patience_s: 60.0,
            length_s: 30.0,
            planned: 200,
            ended: 200,
            dropped: 0,
            most_vus: 100,
            missed: vec![],
        }
    }

    #[test]
    fn the_curve_is_read_at_any_second() {
        let plan = plan();
        assert_eq!([5.0, 15.0, 25.0, 35.0].map(|second| plan.rate_at(second)), [5.0, 10.0, 5.0, 0.0]);
        assert_eq!([9.0, 10.0, 19.9, 20.0].map(|second| plan.is_plateau(second)), [false, true, true, false]);
        assert_eq!(plan.flood(), Some((20.0, 30.0)));
    }
}
