//! Settles how a course is opened over HTTP.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use shared::context::Context;
use shared::http::{Caller, Conditional, IfNoneMatchHeader, Problem, ProblemBody};
use uuid::Uuid;

use crate::app::Courses;
use crate::domain::course::{self, CoursePage};
use crate::domain::viewer::Viewer;

/// A course with its homework.
#[utoipa::path(
    tag = "courses",
    params(("id" = Uuid, Path, description = "The course"), IfNoneMatchHeader),
    responses(
        (status = 200, body = CoursePage, headers(("ETag" = String, description = "For `If-None-Match`; absent where the answer is stale"))),
        (status = 304, description = "The copy named by `If-None-Match` is as good"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "course_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/courses/v1/courses/{id}")]
pub async fn open(
    context: Context,
    caller: Caller,
    courses: Data<Courses>,
    id: Path<Uuid>,
    copy: Conditional,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&caller);
    let parts = course::find(courses.shelf(), &context, &viewer, *id).await?;
    Ok(copy.answer(parts.freshness(), || parts.render(&viewer)))
}
