//! Settles who the people of a region are: how many of each, on which devices, with what behind them. Assumptions, all of them, unless a source is named.

use std::time::Duration;

use messaging::detection::behaviour::{Circumstances, Proof};
use rand::Rng;
use uuid::Uuid;

use super::dice::{Concern, Dice, dice, lognormal};

/// Pupils of each school.
pub const PUPILS: usize = 1_000;

/// What somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Pupil,
    Guardian,
    Teacher,
    SchoolLife,
    Head,
}

/// What a day is like for everybody.
#[derive(Debug, Clone, Copy)]
pub struct Day {
    /// Share of people on a device that is new to their account.
    pub new_devices: f64,
    /// Share of people who set a new password with a printed code since yesterday.
    pub new_passwords: f64,
    /// How many times as often as on an ordinary day people write to somebody for the first time.
    pub first_letters: f64,
}

impl Day {
    pub const ORDINARY: Self = Self { new_devices: 0.015, new_passwords: 0.003, first_letters: 1.0 };
    /// The first day after holidays: half of all people come back with a new telephone, or with one that has forgotten them.
    pub const BACK: Self = Self { new_devices: 0.5, new_passwords: 0.05, first_letters: 1.5 };
}

/// Somebody.
#[derive(Debug, Clone)]
pub struct Person {
    /// Of all people of the region.
    pub id: u32,
    pub school: u16,
    pub kind: Kind,
    pub has_new_device: bool,
    pub has_new_password: bool,
    /// Most recipients of an earlier message.
    pub widest_before: u32,
    /// Minutes since the last one-time code.
    pub code_age: u64,
}

/// People of one school.
#[expect(clippy::struct_field_names, reason = "school life is who looks after pupils between lessons")]
pub struct School {
    pub pupils: Vec<Person>,
    pub guardians: Vec<Person>,
    pub teachers: Vec<Person>,
    pub school_life: Vec<Person>,
    pub heads: Vec<Person>,
}

impl School {
    /// Those of one kind.
    pub fn all(&self, kind: Kind) -> &[Person] {
        match kind {
            Kind::Pupil => &self.pupils,
            Kind::Guardian => &self.guardians,
            Kind::Teacher => &self.teachers,
            Kind::SchoolLife => &self.school_life,
            Kind::Head => &self.heads,
        }
    }
}

/// So many schools on such a day.
pub fn region(seed: u64, schools: u16, day: Day) -> Vec<School> {
    let mut dice = dice(seed, Concern::People);
    let mut next = 0;
    let mut some = |school, kind, count: usize| -> Vec<Person> {
        let person = |id| person(id, school, kind, day, &mut dice);
        let first = next;
        next += u32::try_from(count).unwrap_or(0);
        (first..next).map(person).collect()
    };
    (0..schools)
        .map(|school| School {
            pupils: some(school, Kind::Pupil, PUPILS),
            guardians: some(school, Kind::Guardian, 3 * PUPILS / 2),
            teachers: some(school, Kind::Teacher, PUPILS / 12),
            school_life: some(school, Kind::SchoolLife, PUPILS / 100),
            heads: some(school, Kind::Head, 2),
        })
        .collect()
}

fn person(id: u32, school: u16, kind: Kind, day: Day, dice: &mut Dice) -> Person {
    Person {
        id,
        school,
        kind,
        has_new_device: dice.random_bool(day.new_devices),
        has_new_password: dice.random_bool(day.new_passwords),
        widest_before: widest_before(kind, dice),
        // One-time codes are asked for at the sign-in and before large sends: sessions of a day's length.
        code_age: dice.random_range(1..480),
    }
}

/// Half of the pupils have written to five people or more, one guardian in seven; one teacher in thirty is new.
fn widest_before(kind: Kind, dice: &mut Dice) -> u32 {
    match kind {
        Kind::Pupil if dice.random_bool(0.5) => dice.random_range(5..=10),
        Kind::Guardian if dice.random_bool(0.15) => dice.random_range(5..=10),
        Kind::Pupil | Kind::Guardian => dice.random_range(0..5),
        Kind::Teacher if dice.random_bool(0.03) => 0,
        Kind::Teacher if dice.random_bool(0.3) => dice.random_range(150..400),
        Kind::Teacher => dice.random_range(60..130),
        Kind::SchoolLife => dice.random_range(100..2_500),
        Kind::Head => dice.random_range(1_500..2_600),
    }
}

impl Person {
    pub fn is_personnel(&self) -> bool {
        match self.kind {
            Kind::Pupil | Kind::Guardian => false,
            Kind::Teacher | Kind::SchoolLife | Kind::Head => true,
        }
    }

    /// The id of the school.
    pub fn school_id(&self) -> Uuid {
        Uuid::from_u128(self.school.into())
    }

    /// Circumstances of a send of this person, to recipients known to them and not to personnel.
    pub fn sends_to(&self, recipients: u32, at_ms: u64) -> Circumstances {
        let age = |is_new| Duration::from_mins(if is_new { 30 } else { 60 * 24 * 60 });
        let code = Proof::CodeAge(Duration::from_mins(self.code_age));
        Circumstances {
            is_personnel: self.is_personnel(),
            device_age: age(self.has_new_device),
            reset_age: self.has_new_password.then_some(Duration::from_mins(30)),
            proof: if self.is_personnel() { code } else { Proof::Impossible },
            local_hour: u8::try_from(at_ms / HOUR_MS % 24).unwrap_or(0),
            recipients,
            widest_before: self.widest_before,
            new_recipients: 0,
            reaches_personnel: false,
        }
    }
}

/// How soon somebody honest types a one-time code when asked: 20 s in the median, one in thirty-three not at all.
pub fn honest_code(dice: &mut Dice) -> Option<u64> {
    dice.random_bool(0.97).then(|| milliseconds(lognormal(20.0, 0.6, dice)))
}

/// Of so many seconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "durations below days, none negative"
)]
pub fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1_000.0) as u64
}

/// Milliseconds of an hour, a minute and a second.
pub const HOUR_MS: u64 = 3_600_000;
pub const MINUTE_MS: u64 = 60_000;
pub const SECOND_MS: u64 = 1_000;
