//! Settles who a generated person is: a name, one main role, and the address that letters to them use.

use rand::Rng;
use rand::seq::IndexedRandom;
use uuid::Uuid;

use super::names::{BOYS, FAMILIES, GIRLS, MEN, WOMEN};
use super::streams::Dice;

/// What a person is in a school, spelled as in `membership.role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Student,
    Guardian,
    Teacher,
    Principal,
    SchoolLife,
    Staff,
    LocalAdmin,
}

impl Role {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Student => "Student",
            Self::Guardian => "Guardian",
            Self::Teacher => "Teacher",
            Self::Principal => "Principal",
            Self::SchoolLife => "SchoolLife",
            Self::Staff => "Staff",
            Self::LocalAdmin => "LocalAdmin",
        }
    }

    /// Whether sign-in asks for a second factor.
    pub(super) fn has_totp(self) -> bool {
        !matches!(self, Self::Student | Self::Guardian)
    }
}

/// A name, and how its bearer is addressed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    pub(super) given: &'static str,
    pub(super) family: &'static str,
    is_woman: bool,
}

impl Name {
    /// An adult's name.
    pub(super) fn adult(dice: &mut Dice) -> Self {
        let is_woman = dice.random_bool(0.55);
        Self::new(if is_woman { WOMEN } else { MEN }, is_woman, any_family(dice), dice)
    }

    /// The other guardian of the same children: the same family name a little more often than not.
    pub(super) fn partner(&self, dice: &mut Dice) -> Self {
        let is_woman = if dice.random_bool(0.96) { !self.is_woman } else { self.is_woman };
        let family = if dice.random_bool(0.55) { self.family } else { any_family(dice) };
        Self::new(if is_woman { WOMEN } else { MEN }, is_woman, family, dice)
    }

    /// A pupil's name in the family `family`.
    pub(super) fn child(family: &'static str, dice: &mut Dice) -> Self {
        let is_woman = dice.random_bool(0.5);
        Self::new(if is_woman { GIRLS } else { BOYS }, is_woman, family, dice)
    }

    fn new(given: &[&'static str], is_woman: bool, family: &'static str, dice: &mut Dice) -> Self {
        Self { given: given.choose(dice).copied().unwrap_or("Camille"), family, is_woman }
    }

    /// "Mme Diallo", "M. Petit".
    pub(super) fn formal(&self) -> String {
        format!("{} {}", if self.is_woman { "Mme" } else { "M." }, self.family)
    }
}

fn any_family(dice: &mut Dice) -> &'static str {
    FAMILIES.choose(dice).copied().unwrap_or("Martin")
}

/// A person whose rows are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    pub(super) id: Uuid,
    pub(super) role: Role,
    pub(super) name: Name,
}

impl Person {
    /// Given name and family name.
    pub(super) fn full_name(&self) -> String {
        format!("{} {}", self.name.given, self.name.family)
    }
}
