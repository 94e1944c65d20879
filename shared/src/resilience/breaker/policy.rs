//! Settles when a breaker opens, for how long, and how it is probed: values that have been checked against each other.

use std::time::Duration;

use garde::Validate;
use rand::Rng;
use serde::Deserialize;

use super::window::Counts;
use crate::config::Invalid;
use crate::ids;

/// What can be configured of a breaker. A [`Policy`] is made of it.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How far back results count, in milliseconds; kept to an eighth.
    #[garde(range(min = 100, max = 600_000))]
    pub window_ms: u64,
    /// Fewer calls than this within the window open nothing: one failure of two is no evidence.
    #[garde(range(min = 1, max = 1_000_000))]
    pub minimum_calls: u32,
    /// Opens when so many per cent of the calls failed.
    #[garde(range(min = 1, max = 100))]
    pub failed_percent: u32,
    /// Opens when so many per cent of the calls failed or were slow.
    #[garde(range(min = 1, max = 100))]
    pub failed_or_slow_percent: u32,
    /// A call that took so many milliseconds is slow, whatever came of it.
    #[garde(range(min = 1, max = 600_000))]
    pub slow_call_ms: u64,
    /// First time open, in milliseconds; doubles each time that probing fails.
    #[garde(range(min = 1, max = 600_000))]
    pub first_open_ms: u64,
    /// Longest time open, in milliseconds, before jitter.
    #[garde(range(min = 1, max = 600_000))]
    pub longest_open_ms: u64,
    /// Calls that are let through to see whether the dependency is back.
    #[garde(range(min = 1, max = 64))]
    pub probes: u32,
    /// After so many milliseconds a probe that never came back no longer holds its place.
    #[garde(range(min = 1, max = 600_000))]
    pub probe_lease_ms: u64,
}

impl Default for Settings {
    /// Starting values of the design: half of at least 20 calls within 10 s; open 1 s to 10 s; 3 probes.
    fn default() -> Self {
        Self {
            window_ms: 10_000,
            minimum_calls: 20,
            failed_percent: 50,
            failed_or_slow_percent: 50,
            slow_call_ms: 1_000,
            first_open_ms: 1_000,
            longest_open_ms: 10_000,
            probes: 3,
            probe_lease_ms: 10_000,
        }
    }
}

/// A breaker's rules, free of contradictions.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Settings")]
pub struct Policy(Settings);

/// Times open vary by a fifth either way, so that instances do not probe in step.
const JITTER: f64 = 0.2;

impl Policy {
    /// Checks each value and all together.
    pub fn try_new(settings: Settings) -> Result<Self, Invalid> {
        settings
            .validate()
            .map_err(|report| Invalid::new(report.to_string().trim_end().replace('\n', "; ")))?;
        if settings.first_open_ms > settings.longest_open_ms {
            return Err(Invalid::new("first_open_ms is above longest_open_ms: exchange them"));
        }
        if settings.failed_percent > settings.failed_or_slow_percent {
            return Err(Invalid::new(
                "failed_percent is above failed_or_slow_percent, which counts failed calls too: lower it",
            ));
        }
        if settings.probe_lease_ms < settings.slow_call_ms {
            return Err(Invalid::new("probe_lease_ms is below slow_call_ms: a slow probe would never count"));
        }
        Ok(Self(settings))
    }

    pub(super) fn window_ms(&self) -> u64 {
        self.0.window_ms
    }

    pub(super) fn slow_call_ms(&self) -> u64 {
        self.0.slow_call_ms
    }

    pub(super) fn probes(&self) -> u32 {
        self.0.probes
    }

    pub(super) fn probe_lease_ms(&self) -> u64 {
        self.0.probe_lease_ms
    }

    /// Whether what the window holds is reason to open.
    pub(super) fn opens_at(&self, counts: Counts) -> bool {
        counts.calls() >= u64::from(self.0.minimum_calls) && self.is_bad(counts, counts.calls())
    }

    /// Whether these probes suffice to say that the dependency is still away, even if all others go well.
    pub(super) fn stays_open_at(&self, probed: Counts) -> bool {
        self.is_bad(probed, u64::from(self.0.probes))
    }

    fn is_bad(&self, counts: Counts, calls: u64) -> bool {
        let reaches = |bad: u64, percent: u32| bad > 0 && bad * 100 >= u64::from(percent) * calls;
        reaches(counts.failed, self.0.failed_percent)
            || reaches(counts.failed + counts.slow, self.0.failed_or_slow_percent)
    }

    /// How long to stay open the `openings`-th time in a row (from 1), with jitter.
    pub(super) fn open_ms(&self, openings: u32) -> u64 {
        let factor = 1_u64.checked_shl(openings.saturating_sub(1)).unwrap_or(u64::MAX);
        let time = self.0.first_open_ms.saturating_mul(factor).min(self.0.longest_open_ms);
        let jittered =
            Duration::from_millis(time).mul_f64(ids::random().random_range(1.0 - JITTER..=1.0 + JITTER));
        u64::try_from(jittered.as_millis()).unwrap_or(u64::MAX).max(1)
    }
}

impl TryFrom<Settings> for Policy {
    type Error = Invalid;

    fn try_from(settings: Settings) -> Result<Self, Invalid> {
        Self::try_new(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_starting_values_are_a_policy() {
        assert!(Policy::try_new(Settings::default()).is_ok());
    }

    #[test]
    fn contradictions_and_unknown_keys_are_refused_by_name() {
        let refusal = |settings| serde_json::from_value::<Policy>(settings).unwrap_err().to_string();
        assert!(refusal(json!({ "first_open_ms": 20_000 })).contains("longest_open_ms"));
        assert!(refusal(json!({ "failed_percent": 90 })).contains("failed_or_slow_percent"));
        assert!(refusal(json!({ "slow_call_ms": 60_000 })).contains("probe_lease_ms"));
        assert!(refusal(json!({ "probes": 0 })).contains("probes"));
        assert!(refusal(json!({ "probs": 3 })).contains("probs"));
    }

    #[test]
    fn time_open_doubles_to_a_bound_and_varies_by_a_fifth() {
        let policy = Policy::default();
        for (openings, middle) in [(1, 1_000), (2, 2_000), (4, 8_000), (5, 10_000), (500, 10_000)] {
            let times: Vec<u64> = (0..200).map(|_| policy.open_ms(openings)).collect();
            assert!(
                times.iter().all(|time| (middle * 8 / 10..=middle * 12 / 10).contains(time)),
                "{times:?}"
            );
            assert!(times.iter().max() > times.iter().min());
        }
    }

    #[test]
    fn it_opens_at_half_failed_or_slow_and_not_below_the_minimum() {
        let policy = Policy::default();
        let counts = |fine, failed, slow| Counts { fine, failed, slow };
        assert!(policy.opens_at(counts(10, 10, 0)));
        assert!(policy.opens_at(counts(10, 4, 6)));
        assert!(!policy.opens_at(counts(11, 10, 0)));
        assert!(!policy.opens_at(counts(0, 19, 0)));
        assert!(policy.stays_open_at(counts(0, 2, 0)) && !policy.stays_open_at(counts(2, 1, 0)));
    }
}
