//! Settles which homework each course has: several tasks, due on different school days around the day of seeding.

use std::path::Path;

use chrono::NaiveDate;
use rand::Rng;
use rand::seq::IndexedRandom;

use super::courses::{self, Course, TaughtGroup};
use super::homework_texts::{self, Task};
use super::ids::Ids;
use super::streams::{Concern, Dice, dice};
use super::times::{Calendar, timestamp};
use super::writer::Table;
use super::{Scale, TableCount};

/// Courses' table of homework while it is written.
pub(super) struct Planner<'a> {
    ids: &'a Ids,
    dice: Dice,
    calendar: Calendar,
    most: usize,
    tasks_so_far: u32,
    homework: Table,
}

impl<'a> Planner<'a> {
    pub(super) fn create(
        out: &Path,
        scale: Scale,
        seed: u64,
        calendar: Calendar,
        ids: &'a Ids,
    ) -> anyhow::Result<Self> {
        let columns =
            ["school_id", "id", "course_id", "title", "instructions", "due_on", "given_by", "given_at"];
        let most = match scale {
            Scale::Small => 6,
            Scale::Region => 4,
        };
        let homework = Table::create(out, courses::SERVICE, "homework", &columns)?;
        Ok(Self { ids, dice: dice(seed, Concern::Homework), calendar, most, tasks_so_far: 0, homework })
    }

    /// Writes the homework of every course of `group`.
    pub(super) fn plan(&mut self, group: &TaughtGroup) -> anyhow::Result<()> {
        let school = group.group.school.id.to_string();
        group.courses.iter().try_for_each(|course| self.plan_course(&school, course))
    }

    fn plan_course(&mut self, school: &str, course: &Course) -> anyhow::Result<()> {
        let how_many = self.dice.random_range(2..=self.most);
        let days = self.calendar.due_days();
        let all = homework_texts::of(course.subject.discipline);
        let tasks: Vec<&Task> = all.choose_multiple(&mut self.dice, all.len()).collect();
        let due_days: Vec<&NaiveDate> = days.choose_multiple(&mut self.dice, how_many).collect();
        for (due, (title, instructions)) in due_days.into_iter().zip(tasks.into_iter().cycle()) {
            let (page, exercise) = (self.dice.random_range(12..220), self.dice.random_range(1..40));
            let fill =
                |text: &str| text.replace("{p}", &page.to_string()).replace("{e}", &exercise.to_string());
            let given_at = self.calendar.given_before(*due, &mut self.dice);
            self.homework.row(&[
                school,
                &self.ids.id("homework", self.tasks_so_far).to_string(),
                &course.id.to_string(),
                &fill(title),
                &fill(instructions),
                &due.to_string(),
                &course.teacher.id.to_string(),
                &timestamp(given_at),
            ])?;
            self.tasks_so_far += 1;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> anyhow::Result<TableCount> {
        self.homework.finish()
    }
}
