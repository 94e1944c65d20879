//! Settles how one's own messages are listed over HTTP.

use actix_web::get;
use actix_web::web::{Data, Json, Query};
use shared::context::Context;
use shared::http::{Caller, Problem, ProblemBody};

use super::page::PageQuery;
use crate::app::Messaging;
use crate::domain::mailbox::{self, SentPage};

/// What I sent, newest first, without what was withdrawn.
#[utoipa::path(
    tag = "mailbox",
    params(PageQuery),
    responses(
        (status = 200, body = SentPage),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_query"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/messaging/v1/sent")]
pub async fn list(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    query: Query<PageQuery>,
) -> Result<Json<SentPage>, Problem> {
    let wanted = query.into_inner().wanted()?;
    Ok(Json(mailbox::sent(messaging.database(), &context, &caller, &wanted).await?))
}
