//! Settles the home of courses over HTTP.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use shared::context::Context;
use shared::http::{Caller, Conditional, IfNoneMatchHeader, Problem, ProblemBody};

use crate::app::Courses;
use crate::domain::home::{self, Home};
use crate::domain::viewer::Viewer;

/// My groups, courses and due homework.
#[utoipa::path(
    tag = "home",
    params(IfNoneMatchHeader),
    responses(
        (status = 200, body = Home, headers(("ETag" = String, description = "For `If-None-Match`; absent where the answer is stale"))),
        (status = 304, description = "The copy named by `If-None-Match` is as good"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/courses/v1/home")]
pub async fn show(
    context: Context,
    caller: Caller,
    courses: Data<Courses>,
    copy: Conditional,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&caller);
    let parts = home::find(courses.shelf(), &context, &viewer).await?;
    Ok(copy.answer(parts.freshness(), || parts.render(&viewer)))
}
