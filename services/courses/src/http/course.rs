//! Settles how a course is opened over HTTP.

use actix_web::get;
use actix_web::web::{Data, Json, Path};
use shared::context::Context;
use shared::http::{Caller, Problem, ProblemBody};
use uuid::Uuid;

use crate::app::Courses;
use crate::domain::course::{self, CoursePage};
use crate::domain::viewer::Viewer;

/// A course with its homework.
#[utoipa::path(
    tag = "courses",
    params(("id" = Uuid, Path, description = "The course")),
    responses(
        (status = 200, body = CoursePage),
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
) -> Result<Json<CoursePage>, Problem> {
    Ok(Json(course::open(courses.shelf(), &context, &Viewer::of(&caller), *id).await?))
}
