//! Settles when attempts are held back, as formulas: pauses that grow with failures, and a share of names that fail.

/// One counter's pauses. The same formula is in the script of `store::attempts`.
#[derive(Debug, Clone, Copy)]
pub struct Pauses {
    /// Failures without a pause.
    pub free: u32,
    /// The first pause, in milliseconds; each failure more doubles it.
    pub first_ms: u64,
    /// No pause is longer, in milliseconds.
    pub longest_ms: u64,
    /// Failures are forgotten so long after the first of them, or after the last once there are pauses, in milliseconds.
    pub memory_ms: u64,
}

impl Pauses {
    /// All devices together that an account does not know. Ten mistakes are free; then 30 s, doubled up to an hour: 17
    /// guesses in the first hour, about 24 a day after that (NIST 800-63B-4, 3.2.2, allows 100 in a row).
    pub const STRANGERS: Self =
        Self { free: 10, first_ms: 30_000, longest_ms: 3_600_000, memory_ms: 86_400_000 };
    /// One device on one account that knows it: a thief of the device is slowed, and its owner soon in again.
    pub const KNOWN_DEVICE: Self =
        Self { free: 10, first_ms: 10_000, longest_ms: 900_000, memory_ms: 3_600_000 };

    /// Codes typed for one login. Nobody guesses 60 random bits: this only bounds how fast anybody may try, and no longer
    /// than a minute, so that whoever holds a code is not kept out by others.
    pub const CODES: Self = Self { free: 20, first_ms: 1_000, longest_ms: 60_000, memory_ms: 3_600_000 };

    /// The pause after so many failures, in milliseconds.
    pub fn after(&self, failures: u32) -> u64 {
        let Some(beyond) = failures.checked_sub(self.free) else { return 0 };
        self.first_ms.checked_shl(beyond.min(32)).unwrap_or(u64::MAX).min(self.longest_ms)
    }
}

/// When names that fail are so many, and so large a share of all names that were tried, that nobody is mistyping.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// Fewer distinct failing names are never too many.
    pub least_failing: u32,
    /// Percent of all distinct names tried that must have failed and not succeeded since.
    pub percent: u32,
    /// While it is so, one attempt is let through so often, in milliseconds.
    pub trickle_ms: u64,
    /// Names are counted for so long after the first, and while it is so after the last, in milliseconds.
    pub window_ms: u64,
}

/// Names that one count holds. A network that tries more is judged by its first ones.
pub const MOST_NAMES: usize = 2_000;

impl Share {
    /// One network: of 1,000 pupils who mistype, most get in with the next try and do not count as failing any more.
    pub const NETWORK: Self = Self { least_failing: 40, percent: 30, trickle_ms: 5_000, window_ms: 900_000 };
    /// One device that knows none of the accounts: a classroom's computer sees many names, and they get in.
    pub const DEVICE: Self = Self { least_failing: 6, percent: 50, trickle_ms: 30_000, window_ms: 900_000 };

    /// Whether so many of so many are too many.
    pub fn is_exceeded(&self, failing: u32, names: u32) -> bool {
        failing >= self.least_failing
            && u64::from(failing) * 100 >= u64::from(names) * u64::from(self.percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_begin_after_the_free_failures_and_double_up_to_the_longest() {
        let pauses = Pauses::STRANGERS;
        let after: Vec<u64> =
            [0, 9, 10, 11, 16, 17, 99].map(|failures| pauses.after(failures) / 1_000).to_vec();
        assert_eq!(after, [0, 0, 30, 60, 1_920, 3_600, 3_600]);
    }

    #[test]
    fn a_school_that_mistypes_is_not_too_many_and_a_list_of_names_is() {
        assert!(!Share::NETWORK.is_exceeded(39, 39), "few are never too many");
        assert!(!Share::NETWORK.is_exceeded(100, 1_000), "a tenth of a school forgot its password");
        assert!(Share::NETWORK.is_exceeded(40, 40));
        assert!(Share::NETWORK.is_exceeded(500, 1_500), "a list behind a school's address");
    }
}
