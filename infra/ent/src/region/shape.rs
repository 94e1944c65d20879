//! Settles how large a region is: its towns and schools, how many classes each school has, how many pupils each class.

use rand::Rng;
use rand::seq::IteratorRandom;

use super::Scale;
use super::ids::Ids;
use super::names::{FIGURES, TOWN_ENDS, TOWN_STARTS};
use super::streams::{Concern, Dice, dice};
use super::uai;
use uuid::Uuid;

/// The totals of a scale: 34 % pupils, 60 % guardians, 6 % staff, as a large ENT publishes of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Totals {
    towns: u32,
    /// Collèges of each town, which also has one lycée.
    colleges: u32,
    classes: u32,
    pub(super) pupils: u32,
    pub(super) guardians: u32,
    pub(super) staff: u32,
}

impl Totals {
    pub(super) fn of(scale: Scale) -> Self {
        match scale {
            Scale::Small => {
                Self { towns: 1, colleges: 1, classes: 19, pupils: 510, guardians: 900, staff: 90 }
            }
            Scale::Region => Self {
                towns: 40,
                colleges: 2,
                classes: 1236,
                pupils: 34_000,
                guardians: 60_000,
                staff: 6_000,
            },
        }
    }

    fn schools(self) -> u32 {
        self.towns * (self.colleges + 1)
    }
}

/// The kind of a school, spelled as in `school.kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SchoolKind {
    College,
    Lycee,
}

impl SchoolKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::College => "college",
            Self::Lycee => "lycee",
        }
    }

    pub(super) fn levels(self) -> &'static [&'static str] {
        match self {
            Self::College => &["6e", "5e", "4e", "3e"],
            Self::Lycee => &["2nde", "1re", "Tle"],
        }
    }

    fn class_name(self, level: &str, nth: u8) -> String {
        match self {
            Self::College => format!("{level}{}", char::from(b'A' + nth)),
            Self::Lycee => format!("{level} {}", nth + 1),
        }
    }
}

/// What other rows know a school by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SchoolKey {
    /// From 0, over the whole region.
    pub(super) number: u32,
    pub(super) id: Uuid,
}

impl SchoolKey {
    pub(super) fn uai(self) -> String {
        uai::uai(self.number)
    }
}

/// A class that waits for its pupils.
#[derive(Debug)]
pub(super) struct ClassPlan {
    pub(super) level: &'static str,
    pub(super) name: String,
    pub(super) pupils: u32,
}

/// A school that waits for its people.
#[derive(Debug)]
pub(super) struct SchoolPlan {
    pub(super) key: SchoolKey,
    pub(super) kind: SchoolKind,
    pub(super) name: String,
    pub(super) classes: Vec<ClassPlan>,
}

impl SchoolPlan {
    pub(super) fn pupils(&self) -> u32 {
        self.classes.iter().map(|class| class.pupils).sum()
    }
}

/// The schools of the region by town: families have children, and teachers posts, in several schools of one town.
pub(super) fn towns(scale: Scale, seed: u64, ids: &Ids) -> Vec<Vec<SchoolPlan>> {
    let totals = Totals::of(scale);
    let dice = &mut dice(seed, Concern::Schools);
    let mut class_counts = draw_with_total(dice, totals.schools(), (8, 13), totals.classes).into_iter();
    let mut sizes = draw_with_total(dice, totals.classes, (25, 30), totals.pupils).into_iter();
    let mut numbers = 0..;
    let town = |name: String| {
        let figures = FIGURES.iter().choose_multiple(dice, count(totals.colleges + 1));
        let schools = figures.iter().zip(numbers.by_ref()).enumerate().map(|(nth, (figure, number))| {
            let kind = if nth < count(totals.colleges) { SchoolKind::College } else { SchoolKind::Lycee };
            let classes = class_plans(kind, class_counts.next().unwrap_or(0), &mut sizes);
            school_plan(number, kind, &format!("{figure} de {name}"), classes, ids)
        });
        schools.collect()
    };
    town_names().take(count(totals.towns)).map(town).collect()
}

fn school_plan(number: u32, kind: SchoolKind, name: &str, classes: Vec<ClassPlan>, ids: &Ids) -> SchoolPlan {
    let id = ids.id("school", number);
    let title = match kind {
        SchoolKind::College => "Collège",
        SchoolKind::Lycee => "Lycée",
    };
    SchoolPlan { key: SchoolKey { number, id }, kind, name: format!("{title} {name}"), classes }
}

fn town_names() -> impl Iterator<Item = String> {
    TOWN_ENDS.iter().flat_map(|end| TOWN_STARTS.iter().map(move |start| format!("{start}-{end}")))
}

/// `classes` spread over the levels, the youngest first; each takes its size from `sizes`.
fn class_plans(kind: SchoolKind, classes: u32, sizes: &mut impl Iterator<Item = u32>) -> Vec<ClassPlan> {
    let levels = kind.levels();
    let mut left = count(classes);
    let mut plans = Vec::new();
    for (levels_left, level) in (1..=levels.len()).rev().zip(levels) {
        let of_level = left.div_ceil(levels_left);
        left -= of_level;
        for nth in (0..of_level).filter_map(|nth| u8::try_from(nth).ok()) {
            let pupils = sizes.next().unwrap_or(0);
            plans.push(ClassPlan { level, name: kind.class_name(level, nth), pupils });
        }
    }
    plans
}

/// `how_many` numbers within `low..=high` whose sum is `total` (which must lie within what they can sum to).
fn draw_with_total(dice: &mut Dice, how_many: u32, (low, high): (u32, u32), total: u32) -> Vec<u32> {
    debug_assert!((how_many * low..=how_many * high).contains(&total), "no numbers sum to {total}");
    let mut numbers: Vec<u32> = (0..how_many).map(|_| dice.random_range(low..=high)).collect();
    let mut sum: u32 = numbers.iter().sum();
    while sum != total {
        let position = dice.random_range(0..count(how_many));
        let Some(number) = numbers.get_mut(position) else { break };
        if sum < total && *number < high {
            *number += 1;
            sum += 1;
        } else if sum > total && *number > low {
            *number -= 1;
            sum -= 1;
        }
    }
    numbers
}

/// A number of rows as a length.
pub(super) fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
