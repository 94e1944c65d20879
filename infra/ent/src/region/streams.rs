//! Settles where chance comes from: one stream of the seeded generator per concern, so that a new concern changes no other.

use anyhow::Context;
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// The random source of every concern.
pub(super) type Dice = ChaCha8Rng;

/// What draws from the seed. The numbers are part of the format: giving one to another concern changes the data.
#[derive(Clone, Copy, Debug)]
pub(super) enum Concern {
    Schools = 1,
    People = 2,
    Credentials = 3,
    Grouping = 4,
    Staffing = 5,
    Homework = 6,
    Messages = 7,
    Reading = 8,
}

/// The stream of `concern`. A cipher's streams are independent for one key.
pub(super) fn dice(seed: u64, concern: Concern) -> Dice {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    dice.set_stream(concern as u64);
    dice
}

/// One of `choices`, which a rule of the generator says is never empty: an error names what was.
pub(super) fn pick<'a, T>(dice: &mut Dice, choices: &'a [T], what: &'static str) -> anyhow::Result<&'a T> {
    choices.choose(dice).with_context(|| format!("nothing to choose from: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn concerns_draw_different_numbers_and_each_the_same_again() {
        let draw = |concern| dice(7, concern).random::<u64>();
        assert_eq!(draw(Concern::People), draw(Concern::People));
        assert_ne!(draw(Concern::People), draw(Concern::Messages));
    }
}
