//! Settles what honest people send on a day without incidents: how much of each kind, when, to how many.
//!
//! About 2,250 sends a day for each 1,000 pupils. The source is one figure, 13 million messages a month in the lycées of Occitanie
//! (Le Monde), for 230,000 pupils (assumed) and 21 days; how they divide is assumed.

use std::sync::Arc;
use std::time::Duration;

use messaging::detection::behaviour::{LARGE_FROM, Proof};
use rand::Rng;
use rand::seq::IndexedRandom;

use super::dice::{Concern, Dice, Side, dice, poisson, share_of};
use super::interval::float;
use super::people::{Day, HOUR_MS, Kind, Person, School, honest_code};
use super::sending::{Print, Sending};
use super::wording::{Bank, ordinary};

/// What people write for.
struct Occasion {
    name: &'static str,
    kind: Kind,
    bank: &'static Bank,
    /// Sends a day for each school.
    a_day: f64,
    /// How they spread over the hours.
    hours: &'static [u32; 24],
    /// Smallest and greatest number of recipients, and how many of 100 sends.
    recipients: &'static [(u32, u32, u32)],
    reaches_personnel: bool,
    /// Share of recipients who never had a letter of this sender, on an ordinary day.
    first_letters: f64,
}

const MORNING: [u32; 24] =
    [0, 0, 0, 0, 1, 4, 90, 350, 250, 60, 30, 20, 15, 10, 8, 5, 5, 5, 5, 15, 25, 25, 12, 4];
const GUARDIANS: [u32; 24] =
    [2, 1, 0, 0, 0, 2, 15, 45, 50, 30, 25, 25, 30, 25, 20, 20, 25, 45, 50, 50, 55, 50, 25, 8];
const PUPILS: [u32; 24] =
    [4, 2, 1, 0, 0, 1, 8, 30, 25, 20, 25, 22, 40, 35, 22, 22, 30, 60, 75, 70, 65, 50, 30, 12];
const PERSONNEL: [u32; 24] =
    [1, 0, 0, 0, 0, 1, 10, 50, 90, 85, 90, 80, 60, 60, 80, 75, 85, 75, 45, 30, 28, 20, 10, 4];

const OCCASIONS: [Occasion; 7] = [
    Occasion {
        name: "absence, told by a guardian",
        kind: Kind::Guardian,
        bank: &ordinary::ABSENCE,
        a_day: 30.0,
        hours: &MORNING,
        recipients: &[(1, 1, 85), (2, 2, 15)],
        reaches_personnel: true,
        first_letters: 0.1,
    },
    Occasion {
        name: "a guardian's matter",
        kind: Kind::Guardian,
        bank: &ordinary::GUARDIAN_MATTER,
        a_day: 150.0,
        hours: &GUARDIANS,
        recipients: &[(1, 1, 85), (2, 4, 14), (5, 8, 1)],
        reaches_personnel: true,
        first_letters: 0.25,
    },
    Occasion {
        name: "a pupil to a teacher",
        kind: Kind::Pupil,
        bank: &ordinary::PUPIL_TO_TEACHER,
        a_day: 350.0,
        hours: &PUPILS,
        recipients: &[(1, 1, 95), (2, 3, 5)],
        reaches_personnel: true,
        first_letters: 0.15,
    },
    Occasion {
        name: "pupils among themselves",
        kind: Kind::Pupil,
        bank: &ordinary::PUPIL_TO_PUPILS,
        a_day: 900.0,
        hours: &PUPILS,
        recipients: &[(1, 1, 70), (2, 4, 24), (5, 10, 6)],
        reaches_personnel: false,
        first_letters: 0.1,
    },
    Occasion {
        name: "a teacher to a class",
        kind: Kind::Teacher,
        bank: &ordinary::TEACHER_TO_CLASS,
        a_day: 120.0,
        hours: &PERSONNEL,
        recipients: &[(18, 36, 50), (40, 95, 45), (100, 140, 5)],
        reaches_personnel: false,
        first_letters: 0.02,
    },
    Occasion {
        name: "a teacher to one or few",
        kind: Kind::Teacher,
        bank: &ordinary::STAFF_TO_ONE,
        a_day: 550.0,
        hours: &PERSONNEL,
        recipients: &[(1, 1, 80), (2, 6, 20)],
        reaches_personnel: false,
        first_letters: 0.3,
    },
    Occasion {
        name: "school life to one, few or a level",
        kind: Kind::SchoolLife,
        bank: &ordinary::STAFF_TO_ONE,
        a_day: 150.0,
        hours: &PERSONNEL,
        recipients: &[(1, 2, 90), (30, 300, 10)],
        reaches_personnel: false,
        first_letters: 0.4,
    },
];
/// Share of those who send to very many and typed a code just before, because they were asked for one.
const ASKED_BEFORE: f64 = 0.9;
/// Sends of the direction to a level or the whole school, after a fresh code.
const HEADS_A_DAY: f64 = 3.0;

/// Texts of every occasion, written once: a run takes them in turn, so that none comes twice.
pub struct Texts {
    occasions: Vec<Vec<Option<Arc<Print>>>>,
}

impl Texts {
    /// For runs of up to so many schools.
    pub fn write(side: Side, schools: u16) -> Self {
        let write = |(number, occasion): (u64, &Occasion)| {
            let mut dice = dice(side.seeds(1).start + number, Concern::Wording);
            let most = (1.5 * occasion.a_day * f64::from(schools)).max(1_000.0);
            let mut texts = Vec::new();
            while f64::from(u32::try_from(texts.len()).unwrap_or(u32::MAX)) < most {
                texts.push(Print::of(&occasion.bank.write(side, &mut dice)));
            }
            texts
        };
        Self { occasions: (0..).zip(&OCCASIONS).map(write).collect() }
    }
}

/// What everybody sends between two moments, in no order.
pub fn traffic(
    seed: u64,
    region: &[School],
    day: Day,
    texts: &Texts,
    span: std::ops::Range<u64>,
) -> Vec<Sending> {
    let mut dice = dice(seed, Concern::Traffic);
    let mut sendings = Vec::new();
    for (occasion, texts) in OCCASIONS.iter().zip(&texts.occasions) {
        let mut at = dice.random_range(0..texts.len());
        for school in region {
            for moment in moments(occasion, span.clone(), &mut dice) {
                at = (at + 1) % texts.len();
                let print = texts.get(at).cloned().flatten();
                let Some(person) = school.all(occasion.kind).choose(&mut dice) else { continue };
                sendings.push(occasion.sending(person, day, moment, print, &mut dice));
            }
        }
    }
    sendings.extend(of_heads(region, &span, &mut dice));
    sendings
}

fn moments(occasion: &Occasion, span: std::ops::Range<u64>, dice: &mut Dice) -> Vec<u64> {
    let all = f64::from(occasion.hours.iter().sum::<u32>());
    let mut moments = Vec::new();
    for hour in span.start / HOUR_MS..span.end.div_ceil(HOUR_MS) {
        let weight =
            occasion.hours.iter().cycle().nth(usize::try_from(hour % 24).unwrap_or(0)).copied().unwrap_or(0);
        for _ in 0..poisson(occasion.a_day * f64::from(weight) / all, dice) {
            moments.push(hour * HOUR_MS + dice.random_range(0..HOUR_MS));
        }
    }
    moments.retain(|moment| span.contains(moment));
    moments
}

impl Occasion {
    fn sending(
        &self,
        person: &Person,
        day: Day,
        at_ms: u64,
        print: Option<Arc<Print>>,
        dice: &mut Dice,
    ) -> Sending {
        let range = self.recipients.choose_weighted(dice, |(_, _, share)| *share);
        let recipients = range.map_or(1, |(least, most, _)| dice.random_range(*least..=*most));
        let mut circumstances = person.sends_to(recipients, at_ms);
        circumstances.reaches_personnel = self.reaches_personnel;
        circumstances.new_recipients = share_of(recipients, self.first_letters * day.first_letters, dice);
        // Three in four of those who write to many have done so before.
        if !person.is_personnel() && dice.random_bool(0.75) {
            circumstances.widest_before = circumstances.widest_before.max(recipients);
        }
        // The largest sends ask for a code before they are sent.
        if person.is_personnel() && recipients >= LARGE_FROM && dice.random_bool(ASKED_BEFORE) {
            circumstances.proof = Proof::CodeAge(Duration::from_mins(1));
        }
        let sending = Sending::new(person, at_ms, dice.random(), circumstances, print);
        Sending { code_within_ms: honest_code(dice), ..sending }
    }
}

/// The direction writes to levels and to the school in working hours.
fn of_heads(region: &[School], span: &std::ops::Range<u64>, dice: &mut Dice) -> Vec<Sending> {
    let mut sendings = Vec::new();
    for school in region {
        for day in span.start / (24 * HOUR_MS)..span.end.div_ceil(24 * HOUR_MS) {
            for _ in 0..poisson(HEADS_A_DAY, dice) {
                let at_ms = day * 24 * HOUR_MS + dice.random_range(8 * HOUR_MS..18 * HOUR_MS);
                let Some(head) = school.heads.choose(dice).filter(|_| span.contains(&at_ms)) else {
                    continue;
                };
                let mut circumstances = head.sends_to(dice.random_range(150..2_600), at_ms);
                if dice.random_bool(ASKED_BEFORE) {
                    circumstances.proof = Proof::CodeAge(Duration::from_mins(1));
                }
                // Its text is its own: texts of the direction that others copy are bursts.
                let sending = Sending::new(head, at_ms, dice.random(), circumstances, None);
                sendings.push(Sending { code_within_ms: honest_code(dice), ..sending });
            }
        }
    }
    sendings
}

/// Texts of which all pairs are compared.
const COMPARED: usize = 600;

/// For each occasion, the share of pairs of texts that are similar.
pub fn likeness(side: Side) -> Vec<(&'static str, f64)> {
    let texts = Texts::write(side, 1);
    let share = |texts: &Vec<Option<Arc<Print>>>| {
        let prints: Vec<&Print> = texts.iter().take(COMPARED).flatten().map(|print| &**print).collect();
        let later = |(at, one): (usize, &&Print)| {
            prints.iter().skip(at + 1).filter(|other| one.fingerprint.is_similar(&other.fingerprint)).count()
        };
        let similar: usize = prints.iter().enumerate().map(later).sum();
        float(similar) / (float(prints.len()) * (float(prints.len()) - 1.0) / 2.0)
    };
    OCCASIONS.iter().zip(&texts.occasions).map(|(occasion, texts)| (occasion.name, share(texts))).collect()
}
