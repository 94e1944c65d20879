//! Settles the home of courses over HTTP.

use actix_web::get;
use actix_web::web::{Data, Json};
use shared::context::Context;
use shared::http::{Caller, Problem, ProblemBody};

use crate::app::Courses;
use crate::domain::home::{self, Home};
use crate::domain::viewer::Viewer;

/// My groups, courses and due homework.
#[utoipa::path(
    tag = "home",
    responses(
        (status = 200, body = Home),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/courses/v1/home")]
pub async fn show(context: Context, caller: Caller, courses: Data<Courses>) -> Result<Json<Home>, Problem> {
    Ok(Json(home::of(courses.shelf(), &context, &Viewer::of(&caller)).await?))
}
