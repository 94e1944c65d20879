//! Settles how the inbox is paged over HTTP.

use actix_web::get;
use actix_web::web::{Data, Json, Query};
use shared::context::Context;
use shared::http::{Caller, Problem, ProblemBody};

use super::page::PageQuery;
use crate::app::Messaging;
use crate::domain::mailbox::{self, InboxPage};

/// My inbox, newest first.
#[utoipa::path(
    tag = "mailbox",
    params(PageQuery),
    responses(
        (status = 200, body = InboxPage),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_query"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/messaging/v1/inbox")]
pub async fn list(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    query: Query<PageQuery>,
) -> Result<Json<InboxPage>, Problem> {
    let wanted = query.into_inner().wanted()?;
    Ok(Json(mailbox::inbox(messaging.database(), &context, &caller, &wanted).await?))
}
