//! Settles how homework is given over HTTP.

use actix_web::post;
use actix_web::web::{Data, Path};
use chrono::NaiveDate;
use garde::Validate;
use serde::Deserialize;
use shared::context::Context;
use shared::http::{Body, Caller, Problem, ProblemBody};
use shared::idempotency::{Answer, IdempotencyKeyHeader, Keyed};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::Courses;
use crate::domain::homework::{self, Assignment, GivenHomework};
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

/// Give homework in a course that you teach.
#[utoipa::path(
    tag = "courses",
    params(("id" = Uuid, Path, description = "The course"), IdempotencyKeyHeader),
    request_body = NewHomework,
    responses(
        (status = 201, body = GivenHomework),
        (status = 400, body = ProblemBody, content_type = "application/problem+json",
            description = "malformed_body, malformed_idempotency_key"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json",
            description = "not_allowed, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "course_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "request_in_progress"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json",
            description = "invalid_body, due_date_out_of_range, idempotency_key_reused"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[post("/courses/v1/courses/{id}/homework")]
pub async fn give(
    context: Context,
    caller: Caller,
    courses: Data<Courses>,
    id: Path<Uuid>,
    Keyed(claim, Body(new)): Keyed<Body<NewHomework>>,
) -> Result<Answer, Problem> {
    let assignment = Assignment { title: new.title, instructions: new.instructions, due_on: new.due_on };
    let viewer = Viewer::of(&caller);
    let (database, shelf) = (courses.database(), courses.shelf());
    Ok(homework::give(database, shelf, &context, &viewer, *id, assignment, claim.as_ref()).await?)
}
