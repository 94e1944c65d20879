//! Settles what is on the page of a course, and who may open it.

use serde::Serialize;
use shared::context::Context;
use shared::pg::Database;
use utoipa::ToSchema;
use uuid::Uuid;

use super::viewer::Viewer;
use crate::error::Error;
use crate::store;
use crate::store::course::CourseSummary;
use crate::store::homework::HomeworkDetail;

/// A course with its homework.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoursePage {
    #[serde(flatten)]
    course: CourseSummary,
    /// The latest homework, last due first.
    homework: Vec<HomeworkDetail>,
    /// Whether the caller gives homework in this course.
    may_give_homework: bool,
}

/// The course, for those who may see its group.
pub async fn open(
    database: &Database,
    context: &Context,
    viewer: &Viewer,
    id: Uuid,
) -> Result<CoursePage, Error> {
    let mut reader = database.read(context).await?;
    let found = store::course::find_visible(&mut reader, viewer, id).await?.ok_or(Error::CourseNotFound)?;
    let homework = store::homework::list_of_course(&mut reader, found.school_id, id).await?;
    Ok(CoursePage { homework, may_give_homework: found.teacher_id == viewer.person_id, course: found })
}
