//! Settles what courses is seeded with besides homework: groups, who is enrolled in them, and the courses they are taught.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use uuid::Uuid;

use super::TableCount;
use super::groups::Group;
use super::ids::Ids;
use super::people::Person;
use super::staffing::Rosters;
use super::subjects::{Discipline, Subject};
use super::writer::Table;

pub(super) const SERVICE: &str = "courses";

/// A course whose rows are written.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) id: Uuid,
    pub(super) subject: Subject,
    pub(super) teacher: Person,
}

/// A group, who teaches it, and what.
#[derive(Debug)]
pub(super) struct TaughtGroup {
    pub(super) group: Group,
    pub(super) teachers: Vec<Person>,
    pub(super) courses: Vec<Course>,
}

/// Courses' tables while they are written.
pub(super) struct Timetable<'a> {
    ids: &'a Ids,
    courses_so_far: u32,
    student_group: Table,
    enrolment: Table,
    course: Table,
}

impl<'a> Timetable<'a> {
    pub(super) fn create(out: &Path, ids: &'a Ids) -> anyhow::Result<Self> {
        let table = |name, columns: &[&'static str]| Table::create(out, SERVICE, name, columns);
        Ok(Self {
            ids,
            courses_so_far: 0,
            student_group: table("student_group", &["school_id", "id", "kind", "name", "level"])?,
            enrolment: table("enrolment", &["school_id", "group_id", "person_id", "part"])?,
            course: table("course", &["school_id", "id", "group_id", "teacher_id", "subject", "title"])?,
        })
    }

    /// Writes `group` with its pupils, and gives each of its subjects to a teacher.
    pub(super) fn add_group(&mut self, group: Group, rosters: &mut Rosters) -> anyhow::Result<TaughtGroup> {
        let (school, id) = (group.school.id.to_string(), group.id.to_string());
        let kind = if group.is_class { "class" } else { "teaching_group" };
        self.student_group.row(&[&school, &id, kind, &group.name, group.level])?;
        for pupil in &group.pupils {
            self.enrolment.row(&[&school, &id, &pupil.person.id.to_string(), "student"])?;
        }
        // A teacher keeps all subjects of the own discipline in a group: history and civics, say.
        let mut teachers: BTreeMap<Discipline, Person> = BTreeMap::new();
        let mut courses = Vec::new();
        for subject in &group.subjects {
            let teacher = match teachers.get(&subject.discipline) {
                Some(teacher) => *teacher,
                None => next_teacher(&group, subject, rosters)?,
            };
            teachers.insert(subject.discipline, teacher);
            courses.push(self.add_course(&group, *subject, teacher)?);
        }
        let teachers: Vec<Person> = teachers.into_values().collect();
        for teacher in &teachers {
            self.enrolment.row(&[&school, &id, &teacher.id.to_string(), "teacher"])?;
        }
        Ok(TaughtGroup { group, teachers, courses })
    }

    fn add_course(&mut self, group: &Group, subject: Subject, teacher: Person) -> anyhow::Result<Course> {
        let id = self.ids.id("course", self.courses_so_far);
        self.courses_so_far += 1;
        let title =
            if group.is_class { format!("{} – {}", subject.name, group.name) } else { group.name.clone() };
        self.course.row(&[
            &group.school.id.to_string(),
            &id.to_string(),
            &group.id.to_string(),
            &teacher.id.to_string(),
            subject.name,
            &title,
        ])?;
        Ok(Course { id, subject, teacher })
    }

    pub(super) fn finish(self) -> anyhow::Result<Vec<TableCount>> {
        [self.student_group, self.enrolment, self.course].into_iter().map(Table::finish).collect()
    }
}

fn next_teacher(group: &Group, subject: &Subject, rosters: &mut Rosters) -> anyhow::Result<Person> {
    let roster = rosters.get_mut(&(group.school, subject.discipline));
    let roster = roster
        .with_context(|| format!("nobody teaches {} at school {}", subject.name, group.school.number))?;
    let teacher = *roster.front().context("an empty roster")?;
    roster.rotate_left(1);
    Ok(teacher)
}
