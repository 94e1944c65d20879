//! Settles what honest people send when something happens: much at once, much alike. Assumptions, all of them.

use std::time::Duration;

use messaging::detection::behaviour::Proof;
use rand::Rng;
use rand::seq::{IndexedRandom, IteratorRandom};

use super::dice::{Concern, Dice, Side, dice, share_of};
use super::people::{Day, HOUR_MS, MINUTE_MS, PUPILS, Person, School, honest_code};
use super::sending::{Print, Sending};
use super::wording::grammar::expand;
use super::wording::harmless;

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Burst {
    /// Nothing.
    OrdinaryDay,
    /// Every head writes to the school before eight with the academy's text; teachers pass it on.
    SnowDay,
    /// Ten teachers of each school tell their classes with a union's text; fifteen guardians send a federation's text to the head.
    Strike,
    /// The direction tells families; pupils thank and tell each other.
    ExamResults,
    /// The direction tells everybody of a drill, teachers pass it on: many schools within the hour.
    SafetyDrill,
    /// Three classes of each school hand in nearly the same text to one teacher, within minutes.
    CopiedHomework,
    /// The first day after holidays: an ordinary day on new devices.
    EverybodyBack,
}

impl Burst {
    pub const ALL: [Self; 7] = [
        Self::OrdinaryDay,
        Self::SnowDay,
        Self::Strike,
        Self::ExamResults,
        Self::SafetyDrill,
        Self::CopiedHomework,
        Self::EverybodyBack,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::OrdinaryDay => "ordinary day",
            Self::SnowDay => "snow day",
            Self::Strike => "strike",
            Self::ExamResults => "exam results",
            Self::SafetyDrill => "safety drill",
            Self::CopiedHomework => "copied homework",
            Self::EverybodyBack => "everybody back",
        }
    }

    pub fn day(self) -> Day {
        match self {
            Self::EverybodyBack => Day::BACK,
            Self::OrdinaryDay
            | Self::SnowDay
            | Self::Strike
            | Self::ExamResults
            | Self::SafetyDrill
            | Self::CopiedHomework => Day::ORDINARY,
        }
    }
}

/// What is sent besides the day's traffic, in no order.
pub fn burst(seed: u64, side: Side, burst: Burst, region: &[School]) -> Vec<Sending> {
    let mut author = Author { side, dice: dice(seed, Concern::Burst), sendings: Vec::new() };
    for school in region {
        match burst {
            Burst::OrdinaryDay | Burst::EverybodyBack => {}
            Burst::SnowDay => author.notice(school, harmless::SNOW, 6 * HOUR_MS + 15 * MINUTE_MS),
            Burst::SafetyDrill => author.notice(school, harmless::DRILL, 10 * HOUR_MS),
            Burst::Strike => author.strike(school),
            Burst::ExamResults => author.results(school),
            Burst::CopiedHomework => author.homework(school),
        }
    }
    author.sendings
}

struct Author {
    side: Side,
    dice: Dice,
    sendings: Vec<Sending>,
}

impl Author {
    fn text(&mut self, phrases: &'static [&'static str]) -> String {
        let phrase = self.side.half(phrases).choose(&mut self.dice).unwrap_or_default();
        expand(phrase, &mut self.dice)
    }

    fn sending(&mut self, person: &Person, at_ms: u64, recipients: u32, text: &str) -> Sending {
        let circumstances = person.sends_to(recipients, at_ms);
        let sending = Sending::new(person, at_ms, self.dice.random(), circumstances, Print::of(text));
        Sending { code_within_ms: honest_code(&mut self.dice), ..sending }
    }

    /// A head with a fresh code writes to the whole school.
    fn head_writes(&mut self, school: &School, at_ms: u64, text: &str) {
        let recipients = self.dice.random_range(1_600..2_600);
        for head in school.heads.iter().take(1) {
            let mut sending = self.sending(head, at_ms, recipients, text);
            sending.outgoing.circumstances.proof = Proof::CodeAge(Duration::from_mins(1));
            self.sendings.push(sending);
        }
    }

    /// A head tells the school; eight teachers pass it on to a class within two hours.
    fn notice(&mut self, school: &School, phrases: &'static [&'static str], from_ms: u64) {
        let text = self.text(phrases);
        let at_ms = from_ms + self.dice.random_range(0..HOUR_MS);
        self.head_writes(school, at_ms, &text);
        for teacher in some(&school.teachers, 8, &mut self.dice) {
            let passed_on = format!("{}{text}", self.text(harmless::PASSED_ON));
            let later = at_ms + self.dice.random_range(3 * MINUTE_MS..120 * MINUTE_MS);
            let recipients = self.dice.random_range(25..95);
            let sending = self.sending(teacher, later, recipients, &passed_on);
            self.sendings.push(sending);
        }
    }

    /// The evening before, teachers tell the guardians of a class; guardians write to the head.
    fn strike(&mut self, school: &School) {
        let evening = 18 * HOUR_MS..20 * HOUR_MS;
        for teacher in some(&school.teachers, 10, &mut self.dice) {
            let (at_ms, recipients) =
                (self.dice.random_range(evening.clone()), self.dice.random_range(35..95));
            let text = self.text(harmless::STRIKE);
            let sending = self.sending(teacher, at_ms, recipients, &text);
            self.sendings.push(sending);
        }
        for guardian in some(&school.guardians, 15, &mut self.dice) {
            let at_ms = self.dice.random_range(evening.clone());
            let text = self.text(harmless::PETITION);
            let mut sending = self.sending(guardian, at_ms, 1, &text);
            sending.outgoing.circumstances.reaches_personnel = true;
            sending.outgoing.circumstances.new_recipients = share_of(1, 0.7, &mut self.dice);
            // All write to the head.
            sending.outgoing.audience = school.heads.first().map_or(0, |head| i64::from(head.id));
            self.sendings.push(sending);
        }
    }

    /// The direction writes at ten; within two hours a pupil in ten writes to a teacher, and as many to friends.
    fn results(&mut self, school: &School) {
        let text = self.text(harmless::RESULTS);
        self.head_writes(school, 10 * HOUR_MS, &text);
        for (number, pupil) in some(&school.pupils, PUPILS / 5, &mut self.dice).into_iter().enumerate() {
            let at_ms = 10 * HOUR_MS + self.dice.random_range(0..2 * HOUR_MS);
            let is_thanks = number % 2 == 0;
            let recipients = if is_thanks { 1 } else { self.dice.random_range(1..=10) };
            let text = harmless::JOY.write(self.side, &mut self.dice);
            let mut sending = self.sending(pupil, at_ms, recipients, &text);
            sending.outgoing.circumstances.reaches_personnel = is_thanks;
            sending.outgoing.circumstances.new_recipients = share_of(recipients, 0.1, &mut self.dice);
            self.sendings.push(sending);
        }
    }

    /// Twenty-six pupils to one teacher within a quarter of an hour in the evening; each changes a few words or none.
    fn homework(&mut self, school: &School) {
        for teacher in some(&school.teachers, 3, &mut self.dice) {
            let from_ms = self.dice.random_range(17 * HOUR_MS..21 * HOUR_MS);
            let phrase = self.side.half(harmless::HOMEWORK).choose(&mut self.dice).unwrap_or_default();
            for pupil in some(&school.pupils, 26, &mut self.dice) {
                let at_ms = from_ms + self.dice.random_range(0..15 * MINUTE_MS);
                let text = expand(phrase, &mut self.dice);
                let mut sending = self.sending(pupil, at_ms, 1, &text);
                sending.outgoing.circumstances.reaches_personnel = true;
                sending.outgoing.circumstances.new_recipients = share_of(1, 0.15, &mut self.dice);
                sending.outgoing.audience = i64::from(teacher.id);
                self.sendings.push(sending);
            }
        }
    }
}

fn some<'a>(people: &'a [Person], count: usize, dice: &mut Dice) -> Vec<&'a Person> {
    people.choose_multiple(dice, count).collect()
}
