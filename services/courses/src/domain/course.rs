//! Settles what is on the page of a course, and who may open it.

use std::sync::Arc;

use serde::Serialize;
use shared::cache::{Cached, Freshness};
use shared::context::Context;
use utoipa::ToSchema;
use uuid::Uuid;

use super::shelf::{Page, Shelf};
use super::viewer::Viewer;
use crate::error::Error;
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
    /// Seconds since this was true, when it cannot be read anew at the moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_for_s: Option<u64>,
}

/// What a course's page is made of, as it is kept ready.
pub struct Parts {
    freshness: Freshness,
    content: Arc<Page>,
}

/// The course, for those who may see its group.
pub async fn find(shelf: &Shelf, context: &Context, viewer: &Viewer, id: Uuid) -> Result<Parts, Error> {
    let page = find_visible(shelf, context, viewer, id).await?;
    let content = page.value().ok_or(Error::CourseNotFound)?.clone();
    Ok(Parts { freshness: Freshness::of_all("course", [page.freshness]), content })
}

impl Parts {
    /// Whether a copy of the page is as good.
    pub fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// The page itself.
    pub fn render(&self, viewer: &Viewer) -> CoursePage {
        CoursePage {
            may_give_homework: self.content.course.teacher_id == viewer.person_id,
            course: self.content.course.clone(),
            homework: self.content.homework.clone(),
            stale_for_s: self.freshness.stale_for_s(),
        }
    }
}

/// The page of a course in one of the viewer's schools, if they teach it or may see its group.
pub async fn find_visible(
    shelf: &Shelf,
    context: &Context,
    viewer: &Viewer,
    id: Uuid,
) -> Result<Cached<Arc<Page>>, Error> {
    for &school_id in &viewer.schools {
        let page = shelf.page(context, school_id, id).await?;
        let Some(course) = page.value().map(|content| &content.course) else { continue };
        let groups = shelf.groups(context, viewer).await?;
        let is_visible = groups.value().into_iter().flatten().any(|visible| {
            (visible.group.school_id, visible.group.id) == (course.school_id, course.group_id)
        });
        if is_visible || course.teacher_id == viewer.person_id {
            return Ok(page);
        }
    }
    Err(Error::CourseNotFound)
}
