//! Settles whether somebody's copy of a kept answer is still the same, without rendering it: by fingerprints that are made when things are loaded.
//!
//! A version alone would not do: it is raised by those who tell of their changes, and some do not (names from the
//! directory, enrolments that came with an import). So a fingerprint is of the version and of what was loaded with it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a thing is recognised by: 64 bits of a SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// Of a thing as it was loaded. The same on every instance.
    pub(super) fn of(version: i64, value: &impl Serialize) -> Self {
        let text = serde_json::to_vec(value).unwrap_or_default();
        Self::finish(Sha256::new().chain_update(version.to_be_bytes()).chain_update(text))
    }

    /// As part of another digest.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    fn finish(digest: Sha256) -> Self {
        let first = digest.finalize().iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        Self(first)
    }
}

/// How far an answer can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It is what everybody else is told now; a copy with this fingerprint is as good.
    Current(Fingerprint),
    /// It could not be fetched anew, and is so old. No copy is as good: the age is part of the answer.
    Stale(Duration),
}

impl Freshness {
    /// Of an answer made of several kept ones, in this order; `view` names what else it depends on, such as who looks.
    pub fn of_all(view: &str, parts: impl IntoIterator<Item = Self>) -> Self {
        let mut digest = Sha256::new().chain_update(view);
        let mut oldest = None;
        for part in parts {
            match part {
                Self::Current(fingerprint) => digest.update(fingerprint.to_bytes()),
                Self::Stale(age) => oldest = oldest.max(Some(age)),
            }
        }
        oldest.map_or_else(|| Self::Current(Fingerprint::finish(digest)), Self::Stale)
    }

    /// Seconds since the answer was true, where that is not now.
    pub fn stale_for_s(self) -> Option<u64> {
        match self {
            Self::Current(_) => None,
            Self::Stale(age) => Some(age.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn current(version: i64, value: &str) -> Freshness {
        Freshness::Current(Fingerprint::of(version, &value))
    }

    #[test]
    fn a_change_that_was_told_or_was_not_is_another_fingerprint() {
        assert_eq!(current(1, "a"), current(1, "a"));
        assert_ne!(current(1, "a"), current(2, "a"));
        assert_ne!(current(1, "a"), current(1, "b"));
    }

    #[test]
    fn an_answer_is_as_its_parts_their_order_and_who_looks() {
        let (a, b) = (current(1, "a"), current(1, "b"));
        let whole = Freshness::of_all("zoe", [a, b]);
        assert_eq!(whole, Freshness::of_all("zoe", [a, b]));
        for other in [
            Freshness::of_all("paul", [a, b]),
            Freshness::of_all("zoe", [b, a]),
            Freshness::of_all("zoe", [a]),
        ] {
            assert_ne!(whole, other);
        }
    }

    #[test]
    fn an_answer_is_as_old_as_its_oldest_part() {
        let stale = |seconds| Freshness::Stale(Duration::from_secs(seconds));
        assert_eq!(Freshness::of_all("", [stale(1), current(1, "a"), stale(9), stale(3)]), stale(9));
    }
}
