//! Settles the home of messaging over HTTP.

use actix_web::get;
use actix_web::web::{Data, Json};
use shared::context::Context;
use shared::http::{Caller, Problem, ProblemBody};

use crate::app::Messaging;
use crate::domain::home::{self, Home};

/// My unread count, and whom I may write to.
#[utoipa::path(
    tag = "home",
    responses(
        (status = 200, body = Home),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/messaging/v1/home")]
pub async fn show(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
) -> Result<Json<Home>, Problem> {
    Ok(Json(home::of(messaging.database(), messaging.policies(), &context, &caller).await?))
}
