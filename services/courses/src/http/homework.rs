//! Settles how homework is given over HTTP.

use actix_web::post;
use actix_web::web::{Data, Path};
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use shared::context::Context;
use shared::http::{Body, Caller, Created, Problem, ProblemBody};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::Courses;
use crate::domain::homework::{self, Assignment};
use crate::domain::viewer::Viewer;

/// What a teacher writes.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHomework {
    /// In a few words.
    #[garde(length(chars, min = 1, max = 200), custom(shared::http::line))]
    title: String,
    /// What to do.
    #[garde(length(chars, max = 10_000), custom(shared::http::prose))]
    instructions: String,
    /// Today or later, within a year.
    #[garde(skip)]
    due_on: NaiveDate,
}

/// Homework that has been given.
#[derive(Serialize, ToSchema)]
pub struct GivenHomework {
    id: Uuid,
}

/// Give homework in a course that you teach.
#[utoipa::path(
    tag = "courses",
    params(("id" = Uuid, Path, description = "The course")),
    request_body = NewHomework,
    responses(
        (status = 201, body = GivenHomework),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json",
            description = "not_allowed, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "course_not_found"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json",
            description = "invalid_body, due_date_out_of_range"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[post("/courses/v1/courses/{id}/homework")]
pub async fn give(
    context: Context,
    caller: Caller,
    courses: Data<Courses>,
    id: Path<Uuid>,
    Body(new): Body<NewHomework>,
) -> Result<Created<GivenHomework>, Problem> {
    let assignment = Assignment { title: new.title, instructions: new.instructions, due_on: new.due_on };
    let id = homework::give(courses.database(), &context, &Viewer::of(&caller), *id, assignment).await?;
    Ok(Created(GivenHomework { id }))
}
