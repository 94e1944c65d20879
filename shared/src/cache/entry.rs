//! Settles how good a cached entry still is: fresh, stale but good enough while another is fetched, a last resort, or nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Fingerprint;

/// How long entries are good. All times count from the moment of loading.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Answered without any question. Each entry gets up to 15 % more or less, so that they do not expire together.
    pub fresh: Duration,
    /// After that: answered at once, while one caller's worth of work fetches the next.
    pub stale_while_revalidate: Duration,
    /// When loading fails: answered with its age, up to this age.
    pub stale_if_error: Duration,
    /// How long "there is no such thing" is believed.
    pub negative: Duration,
}

/// Share of `fresh` by which it varies, in percent either way.
const JITTER_PERCENT: u64 = 15;

/// What was loaded, when, and of which version. "There is no such thing" is an entry too.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry<V> {
    pub(super) value: Option<V>,
    /// Version of the entry's tag before its data were read: the data are at least as new.
    pub(super) version: i64,
    /// Tells it from other readings of the same key.
    pub(super) fingerprint: Fingerprint,
    /// Unix milliseconds.
    pub(super) loaded_at_ms: i64,
    /// Jitter of this entry, -100 to 100.
    pub(super) jitter: i64,
}

/// What an entry is good for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// An answer.
    Fresh,
    /// An answer, and a reason to fetch the next.
    Revalidate,
    /// An answer only if loading fails.
    LastResort,
    /// Nothing.
    Expired,
}

impl<V> Entry<V> {
    /// What the entry is good for when its tag is known to be at `known_version`.
    pub(super) fn usable(&self, policy: &Policy, now_ms: i64, known_version: i64) -> Use {
        let (age, fresh) = (self.age(now_ms), self.fresh_for(policy));
        let is_current = self.version >= known_version;
        if is_current && age < fresh {
            Use::Fresh
        } else if is_current && age < fresh + policy.stale_while_revalidate {
            Use::Revalidate
        } else if age < policy.stale_if_error {
            Use::LastResort
        } else {
            Use::Expired
        }
    }

    /// Age at which the entry stops being fresh.
    pub(super) fn fresh_for(&self, policy: &Policy) -> Duration {
        let fresh = if self.value.is_some() { policy.fresh } else { policy.negative };
        jittered(fresh, self.jitter)
    }

    /// Age at a moment; never negative, since clocks of two instances differ.
    pub(super) fn age(&self, now_ms: i64) -> Duration {
        Duration::from_millis(u64::try_from(now_ms - self.loaded_at_ms).unwrap_or(0))
    }
}

fn jittered(duration: Duration, jitter: i64) -> Duration {
    let share = u64::try_from(100 + jitter.clamp(-100, 100)).unwrap_or(100);
    let base = duration * u32::try_from(100 - JITTER_PERCENT).unwrap_or(100) / 100;
    base + duration * u32::try_from(JITTER_PERCENT * share).unwrap_or(0) / 10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        fresh: Duration::from_secs(100),
        stale_while_revalidate: Duration::from_secs(50),
        stale_if_error: Duration::from_mins(10),
        negative: Duration::from_secs(10),
    };

    fn entry(value: Option<u8>, version: i64) -> Entry<u8> {
        let fingerprint = Fingerprint::of(version, &value);
        Entry { value, version, fingerprint, loaded_at_ms: 0, jitter: 0 }
    }

    #[test]
    fn an_entry_ages_through_its_uses() {
        for (age_s, expected) in [
            (0, Use::Fresh),
            (99, Use::Fresh),
            (100, Use::Revalidate),
            (149, Use::Revalidate),
            (150, Use::LastResort),
            (599, Use::LastResort),
            (600, Use::Expired),
        ] {
            assert_eq!(entry(Some(1), 1).usable(&POLICY, age_s * 1_000, 1), expected, "{age_s} s");
        }
        assert_eq!(
            entry(None, 1).usable(&POLICY, 11_000, 1),
            Use::Revalidate,
            "absence is believed for less long"
        );
    }

    #[test]
    fn an_overtaken_version_is_a_last_resort_at_once() {
        assert_eq!(entry(Some(1), 1).usable(&POLICY, 0, 2), Use::LastResort);
        assert_eq!(entry(Some(1), 3).usable(&POLICY, 0, 2), Use::Fresh);
    }

    #[test]
    fn jitter_stays_within_fifteen_percent() {
        let hundred = Duration::from_secs(100);
        assert_eq!(jittered(hundred, -100), Duration::from_secs(85));
        assert_eq!(jittered(hundred, 0), hundred);
        assert_eq!(jittered(hundred, 100), Duration::from_secs(115));
    }

    #[test]
    fn a_clock_that_is_behind_makes_nothing_older() {
        assert_eq!(entry(Some(1), 1).usable(&POLICY, -5_000, 1), Use::Fresh);
        assert_eq!(entry(Some(1), 1).age(-5_000), Duration::ZERO);
    }
}
