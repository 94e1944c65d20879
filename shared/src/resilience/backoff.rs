//! Settles how long to wait before trying again: longer with each failure, bounded, and spread so that many callers do not come back at once.
//!
//! Full jitter: a random time between nothing and `min(longest, first * 2^failures)`. Of the schemes compared in AWS'
//! "Exponential Backoff And Jitter" (2015) it finishes the same work with the fewest calls; equal pauses would make all
//! instances that an outage has stopped return in the same instant, which is how a recovering dependency is felled again.

use std::time::Duration;

use rand::Rng;

use crate::ids;

/// A schedule of pauses.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
}

impl Backoff {
    /// Up to twice `first` after the first failure, never more than `longest`.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest }
    }

    /// How long to wait after this many failures in a row.
    pub fn pause(self, failures: u32) -> Duration {
        self.ceiling(failures).mul_f64(ids::random().random_range(0.0..=1.0))
    }

    fn ceiling(self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));

    #[test]
    fn ceilings_double_up_to_the_longest() {
        let ceilings = [1, 2, 3, 4, 5, 40, u32::MAX].map(|failures| BACKOFF.ceiling(failures).as_millis());
        assert_eq!(ceilings, [400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
    }

    #[test]
    fn pauses_are_spread_over_the_whole_range() {
        let pauses: Vec<Duration> = (0..1_000).map(|_| BACKOFF.pause(5)).collect();
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(5)));
        let early = pauses.iter().filter(|pause| **pause < Duration::from_millis(2_500)).count();
        // Binomial with p = 1/2: 8 standard deviations on either side.
        assert!((370..=630).contains(&early), "{early}");
    }
}
