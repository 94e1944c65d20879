//! Settles how homework is given: by the teacher of the course, for a day that people can still prepare for.

use chrono::{Months, NaiveDate};
use serde::Serialize;
use shared::cache;
use shared::context::Context;
use shared::idempotency::{self, Answer, Begin, Claim};
use shared::ids;
use shared::pg::{Database, Work};
use utoipa::ToSchema;
use uuid::Uuid;

use super::course;
use super::shelf::Shelf;
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

/// Homework that has been given.
#[derive(Serialize, ToSchema)]
pub struct GivenHomework {
    id: Uuid,
}

/// Gives homework, once under each key. What a retry gets was decided by the first: the day may have turned since.
pub async fn give(
    database: &Database,
    shelf: &Shelf,
    context: &Context,
    viewer: &Viewer,
    course_id: Uuid,
    assignment: Assignment,
    claim: Option<&Claim>,
) -> Result<Answer, Error> {
    let page = course::find_visible(shelf, context, viewer, course_id).await;
    let mut transaction = database.begin(context, Work::Write).await?;
    let token = match idempotency::begin(&mut transaction, claim).await? {
        Begin::First(token) => token,
        Begin::Replay(answer) => return Ok(answer),
    };
    let page = page?;
    let course = &page.value().ok_or(Error::CourseNotFound)?.course;
    if course.teacher_id != viewer.person_id {
        return Err(Error::NotTheTeacher);
    }
    if !is_reachable(context.clock().today(), assignment.due_on) {
        return Err(Error::DueDateOutOfRange);
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
    store::homework::insert(&mut transaction, &homework).await?;
    let raised = cache::raise(&mut transaction, &Shelf::tags_of_homework(course)).await?;
    let answer = Answer::created(&GivenHomework { id: homework.id });
    let answer = idempotency::finish(&mut transaction, token, answer).await?;
    transaction.commit().await?;
    shelf.tell(context, &raised).await;
    Ok(answer)
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
