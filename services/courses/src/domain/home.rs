//! Settles what a person finds when they open the courses of their ENT: groups, courses, homework that is due.

use chrono::TimeDelta;
use serde::Serialize;
use shared::context::Context;
use shared::pg::Database;
use utoipa::ToSchema;

use super::viewer::Viewer;
use crate::error::Error;
use crate::store;
use crate::store::course::CourseSummary;
use crate::store::homework::HomeworkSummary;
use crate::store::student_group::StudentGroup;

/// Homework is shown this long before it is due.
const HORIZON: TimeDelta = TimeDelta::days(14);

/// A person's courses at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub struct Home {
    /// Classes and teaching groups.
    groups: Vec<StudentGroup>,
    /// Courses: those taught for a teacher, those followed for a pupil, the children's for a guardian.
    courses: Vec<CourseSummary>,
    /// Homework of these courses, due today or in the next 14 days, soonest first.
    homework: Vec<HomeworkSummary>,
}

/// Three statements on one connection.
pub async fn of(database: &Database, context: &Context, viewer: &Viewer) -> Result<Home, Error> {
    let today = context.clock().today();
    let mut reader = database.read(context).await?;
    Ok(Home {
        groups: store::student_group::list_visible(&mut reader, viewer).await?,
        courses: store::course::list_of(&mut reader, viewer).await?,
        homework: store::homework::list_due(&mut reader, viewer, today, today + HORIZON).await?,
    })
}
