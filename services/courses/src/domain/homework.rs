//! Settles how homework is given: by the teacher of the course, for a day that people can still prepare for.

use chrono::{Months, NaiveDate};
use shared::context::Context;
use shared::ids;
use shared::pg::{Database, Work};
use uuid::Uuid;

use super::viewer::Viewer;
use crate::error::Error;
use crate::store;
use crate::store::homework::NewHomework;

/// What a teacher writes.
pub struct Assignment {
    /// In a few words.
    pub title: String,
    /// What to do.
    pub instructions: String,
    /// When it is due.
    pub due_on: NaiveDate,
}

/// Gives homework and returns its id.
pub async fn give(
    database: &Database,
    context: &Context,
    viewer: &Viewer,
    course_id: Uuid,
    assignment: Assignment,
) -> Result<Uuid, Error> {
    if !is_reachable(context.clock().today(), assignment.due_on) {
        return Err(Error::DueDateOutOfRange);
    }
    let mut reader = database.read(context).await?;
    let course =
        store::course::find_visible(&mut reader, viewer, course_id).await?.ok_or(Error::CourseNotFound)?;
    drop(reader);
    if course.teacher_id != viewer.person_id {
        return Err(Error::NotTheTeacher);
    }
    let homework = NewHomework {
        school_id: course.school_id,
        id: ids::new_id(&**context.clock()),
        course_id,
        title: assignment.title,
        instructions: assignment.instructions,
        due_on: assignment.due_on,
        given_by: viewer.person_id,
        given_at: context.clock().utc(),
    };
    let mut transaction = database.begin(context, Work::Write).await?;
    store::homework::insert(&mut transaction, &homework).await?;
    transaction.commit().await?;
    Ok(homework.id)
}

fn is_reachable(today: NaiveDate, due_on: NaiveDate) -> bool {
    let latest = today.checked_add_months(Months::new(12)).unwrap_or(today);
    (today..=latest).contains(&due_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homework_is_due_from_today_to_a_year_ahead() {
        let day = |text: &str| text.parse().unwrap();
        let today = day("2026-09-01");
        for (due_on, expected) in
            [("2026-08-31", false), ("2026-09-01", true), ("2027-09-01", true), ("2027-09-02", false)]
        {
            assert_eq!(is_reachable(today, day(due_on)), expected, "{due_on}");
        }
    }
}
