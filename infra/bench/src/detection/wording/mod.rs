//! Settles what people write: banks of phrases, of which tuning sees one half and the reported figures the other.

pub mod campaign;
pub mod grammar;
pub mod harmless;
pub mod ordinary;

use rand::Rng;
use rand::seq::IteratorRandom;

use super::dice::{Dice, Side};
use grammar::expand;

/// Phrases of one kind of message.
pub struct Bank {
    pub openings: &'static [&'static str],
    /// One in each message, two in some.
    pub matters: &'static [&'static str],
    /// Share of messages with two.
    pub second: f64,
    /// In three of five messages.
    pub details: &'static [&'static str],
    pub endings: &'static [&'static str],
}

impl Bank {
    /// A message. Matters and details are of this side alone; openings and endings are everybody's.
    pub fn write(&self, side: Side, dice: &mut Dice) -> String {
        let mut parts = vec![*self.openings.iter().choose(dice).unwrap_or(&"")];
        parts.extend(side.half(self.matters).choose(dice));
        if dice.random_bool(self.second) {
            parts.extend(side.half(self.matters).choose(dice));
        }
        if dice.random_bool(0.6) {
            parts.extend(side.half(self.details).choose(dice));
        }
        parts.extend(self.endings.iter().choose(dice));
        parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(|part| expand(part, dice))
            .collect::<Vec<String>>()
            .join(" ")
    }
}
