//! Settles where chance comes from and which half of everything tuning may see.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The random source.
pub type Dice = ChaCha8Rng;

/// What draws from a seed: one stream each, so that a new concern changes no other.
#[derive(Debug, Clone, Copy)]
pub enum Concern {
    Wording = 1,
    People = 2,
    Traffic = 3,
    Campaign = 4,
    Burst = 5,
    Reviewers = 6,
}

/// The stream of `concern`.
pub fn dice(seed: u64, concern: Concern) -> Dice {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    dice.set_stream(concern as u64);
    dice
}

/// Seeds and phrases are of one of two sides. Weights and limits were chosen on the one; figures are told of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Seeds from 0 on, the phrases at even places.
    Tuning,
    /// Seeds from 1000 on, the phrases at odd places.
    Reported,
}

impl Side {
    /// The first `count` seeds.
    pub fn seeds(self, count: u64) -> std::ops::Range<u64> {
        let first = match self {
            Self::Tuning => 0,
            Self::Reported => 1_000,
        };
        first..first + count
    }

    /// The phrases of this side.
    pub fn half(self, phrases: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
        let first = match self {
            Self::Tuning => 0,
            Self::Reported => 1,
        };
        phrases.iter().skip(first).step_by(2).copied()
    }
}

/// How many events of so many expected; Knuth's method, for means far below 700.
pub fn poisson(mean: f64, dice: &mut Dice) -> u32 {
    let limit = (-mean).exp();
    let mut count = 0;
    let mut product = dice.random::<f64>();
    while product > limit {
        count += 1;
        product *= dice.random::<f64>();
    }
    count
}

/// How many of `count`, each with this chance.
pub fn share_of(count: u32, chance: f64, dice: &mut Dice) -> u32 {
    let is_one = |_: &u32| dice.random_bool(chance.min(1.0));
    u32::try_from((0..count).filter(is_one).count()).unwrap_or(count)
}

/// A duration with this median, in its unit; two in three are within a factor of `e^spread` of it (Box and Muller's method).
pub fn lognormal(median: f64, spread: f64, dice: &mut Dice) -> f64 {
    let (one, other) = (1.0 - dice.random::<f64>(), dice.random::<f64>());
    let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos();
    median * (spread * normal).exp()
}
