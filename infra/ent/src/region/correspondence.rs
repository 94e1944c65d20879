//! Settles who writes to whom in demo mailboxes, within the communication rules that hold for everyone by default:
//! pupils to their class and its teachers, guardians to their children's teachers and the direction, staff to their school.

use rand::seq::IndexedRandom;

use super::Scale;
use super::courses::{Course, TaughtGroup};
use super::families::Pupil;
use super::mailer::{Audience, Mailer, Part, Turn};
use super::message_texts::{
    BETWEEN_PUPILS, FROM_GUARDIANS, FROM_HEAD, FROM_SCHOOL_LIFE, Letter, TO_ALL_GUARDIANS, TO_FAMILIES,
    TO_HEAD, TO_PUPILS,
};
use super::people::{Person, Role};
use super::shape::SchoolPlan;
use super::staffing::Staff;
use super::streams::{Concern, Dice, dice, pick};
use super::times::Calendar;

/// How many days of mail a mailbox holds.
const DAYS: u64 = 18;

/// How many threads of each kind. `region` stays near 500,000 deliveries, so that loading them takes seconds.
struct Volume {
    /// Of a class's teachers to its pupils.
    to_pupils: usize,
    /// Of a class's teachers to pupils and guardians.
    to_families: usize,
    between_pupils: usize,
    from_guardians: usize,
    from_school_life: usize,
    /// Of a school's guardians to the head.
    to_head: usize,
    /// Of the head to each role of the staff.
    from_head: usize,
    to_all_guardians: usize,
}

impl Volume {
    fn of(scale: Scale) -> Self {
        match scale {
            Scale::Small => Self {
                to_pupils: 6,
                to_families: 4,
                between_pupils: 3,
                from_guardians: 10,
                from_school_life: 1,
                to_head: 12,
                from_head: 4,
                to_all_guardians: 2,
            },
            Scale::Region => Self {
                to_pupils: 3,
                to_families: 2,
                between_pupils: 1,
                from_guardians: 6,
                from_school_life: 0,
                to_head: 4,
                from_head: 3,
                to_all_guardians: 1,
            },
        }
    }
}

/// A school whose people write to each other.
pub(super) struct Correspondents<'a> {
    pub(super) school: &'a SchoolPlan,
    pub(super) staff: &'a Staff,
    pub(super) groups: &'a [TaughtGroup],
}

/// Writes the mail of one school after another.
pub(super) struct Postbag {
    volume: Volume,
    calendar: Calendar,
    dice: Dice,
    pub(super) mailer: Mailer,
}

impl Postbag {
    pub(super) fn new(scale: Scale, seed: u64, calendar: Calendar, mailer: Mailer) -> Self {
        Self { volume: Volume::of(scale), calendar, dice: dice(seed, Concern::Messages), mailer }
    }

    /// Writes the mail of a school.
    pub(super) fn write(&mut self, people: &Correspondents) -> anyhow::Result<()> {
        for class in people.groups.iter().filter(|group| group.group.is_class) {
            self.teachers_write(class, TO_PUPILS, self.volume.to_pupils, &[Part::Student])?;
            let families = [Part::Student, Part::Guardian];
            self.teachers_write(class, TO_FAMILIES, self.volume.to_families, &families)?;
            self.pupils_write(class)?;
            self.guardians_write_to_teachers(class)?;
            self.school_life_writes(people.staff, class)?;
        }
        self.guardians_write_to_head(people)?;
        self.head_writes(people)
    }

    fn teachers_write(
        &mut self,
        class: &TaughtGroup,
        letters: &[Letter],
        how_many: usize,
        parts: &[Part],
    ) -> anyhow::Result<()> {
        let audience = Audience::group(class, parts);
        for letter in letters.choose_multiple(&mut self.dice, how_many) {
            let Course { teacher, subject, .. } = pick(&mut self.dice, &class.courses, "courses of a class")?;
            let sender = teacher.name.formal();
            let words =
                [("{class}", class.group.name.as_str()), ("{subject}", subject.name), ("{sender}", &sender)];
            self.send(class, letter, &words, &[(teacher, &audience)])?;
        }
        Ok(())
    }

    fn pupils_write(&mut self, class: &TaughtGroup) -> anyhow::Result<()> {
        let audience = Audience::group(class, &[Part::Student]);
        for letter in BETWEEN_PUPILS.choose_multiple(&mut self.dice, self.volume.between_pupils) {
            let writers: Vec<&Person> =
                class.group.pupils.choose_multiple(&mut self.dice, 3).map(|pupil| &pupil.person).collect();
            let sender = writers.first().map_or("", |writer| writer.name.given);
            let words = [("{class}", class.group.name.as_str()), ("{sender}", sender)];
            let turns: Vec<_> = writers.iter().map(|writer| (*writer, &audience)).collect();
            self.send(class, letter, &words, &turns)?;
        }
        Ok(())
    }

    fn guardians_write_to_teachers(&mut self, class: &TaughtGroup) -> anyhow::Result<()> {
        for _ in 0..self.volume.from_guardians {
            let pupil = pick(&mut self.dice, &class.group.pupils, "pupils of a class")?;
            let teacher = pick(&mut self.dice, &class.teachers, "teachers of a class")?;
            self.guardian_writes(class, FROM_GUARDIANS, pupil, teacher)?;
        }
        Ok(())
    }

    fn guardians_write_to_head(&mut self, people: &Correspondents) -> anyhow::Result<()> {
        let Some(head) = people.staff.principals.first() else { return Ok(()) };
        for _ in 0..self.volume.to_head {
            let class = pick(&mut self.dice, people.groups, "groups of a school")?;
            let pupil = pick(&mut self.dice, &class.group.pupils, "pupils of a group")?;
            self.guardian_writes(class, TO_HEAD, pupil, head)?;
        }
        Ok(())
    }

    /// A guardian of `pupil` writes to `to`, who answers.
    fn guardian_writes(
        &mut self,
        group: &TaughtGroup,
        letters: &[Letter],
        pupil: &Pupil,
        to: &Person,
    ) -> anyhow::Result<()> {
        let guardian = pick(&mut self.dice, &pupil.guardians, "guardians of a pupil")?;
        let letter = pick(&mut self.dice, letters, "letters")?;
        let sender = guardian.full_name();
        let words = [("{child}", pupil.person.name.given), ("{sender}", sender.as_str())];
        let school = group.group.school;
        let turns = [(guardian, &Audience::person(school, to)), (to, &Audience::person(school, guardian))];
        self.send(group, letter, &words, &turns)
    }

    fn school_life_writes(&mut self, staff: &Staff, class: &TaughtGroup) -> anyhow::Result<()> {
        let audience = Audience::group(class, &[Part::Student, Part::Guardian, Part::Teacher]);
        for letter in FROM_SCHOOL_LIFE.choose_multiple(&mut self.dice, self.volume.from_school_life) {
            let writer = pick(&mut self.dice, &staff.school_life, "school life")?;
            let sender = writer.name.formal();
            let words = [("{class}", class.group.name.as_str()), ("{sender}", &sender)];
            self.send(class, letter, &words, &[(writer, &audience)])?;
        }
        Ok(())
    }

    fn head_writes(&mut self, people: &Correspondents) -> anyhow::Result<()> {
        let staff = people.staff;
        for (role, members) in [
            (Role::Teacher, &staff.teachers),
            (Role::Principal, &staff.principals),
            (Role::LocalAdmin, &staff.local_admins),
            (Role::SchoolLife, &staff.school_life),
            (Role::Staff, &staff.others),
        ] {
            let audience = Audience::role(people.school.key, role, members.iter().map(|person| person.id));
            self.head_writes_to(people, FROM_HEAD, self.volume.from_head, &audience)?;
        }
        let pupils = people.groups.iter().flat_map(|group| &group.group.pupils);
        let guardians = pupils.flat_map(|pupil| &pupil.guardians).map(|guardian| guardian.id);
        let audience = Audience::role(people.school.key, Role::Guardian, guardians);
        self.head_writes_to(people, TO_ALL_GUARDIANS, self.volume.to_all_guardians, &audience)
    }

    fn head_writes_to(
        &mut self,
        people: &Correspondents,
        letters: &[Letter],
        how_many: usize,
        audience: &Audience,
    ) -> anyhow::Result<()> {
        let (Some(head), Some(any)) = (people.staff.principals.first(), people.groups.first()) else {
            return Ok(());
        };
        let sender = head.name.formal();
        let words = [("{school}", people.school.name.as_str()), ("{sender}", &sender)];
        for letter in letters.choose_multiple(&mut self.dice, how_many) {
            self.send(any, letter, &words, &[(head, audience)])?;
        }
        Ok(())
    }

    /// Writes `letter` by the first of `turns`, then one of its answers by each of the others.
    fn send(
        &mut self,
        group: &TaughtGroup,
        letter: &Letter,
        words: &[(&str, &str)],
        turns: &[(&Person, &Audience)],
    ) -> anyhow::Result<()> {
        let fill = |text: &str| words.iter().fold(text.to_owned(), |text, (word, by)| text.replace(word, by));
        let bodies = std::iter::once(letter.body).chain(letter.answers.iter().copied());
        let turns: Vec<Turn> = turns
            .iter()
            .zip(bodies)
            .map(|((sender, audience), body)| Turn { sender, audience, body: fill(body) })
            .collect();
        let started_at = self.calendar.recently(DAYS, &mut self.dice);
        let school = group.group.school;
        self.mailer.exchange(school, &fill(letter.subject), &turns, started_at, &mut self.dice)
    }
}
