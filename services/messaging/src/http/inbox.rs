//! Settles how the inbox is paged over HTTP.

use actix_web::get;
use actix_web::web::{Data, Json, Query};
use serde::Deserialize;
use shared::context::Context;
use shared::http::{Caller, Problem, ProblemBody};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::app::Messaging;
use crate::domain::mailbox::{self, InboxPage};

const DEFAULT_LIMIT: u32 = 25;
const LARGEST_LIMIT: u32 = 100;

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InboxQuery {
    /// `next` of the page before.
    before: Option<Uuid>,
    /// Messages on the page, 1 to 100; 25 when absent.
    limit: Option<u32>,
}

/// My inbox, newest first.
#[utoipa::path(
    tag = "mailbox",
    params(InboxQuery),
    responses(
        (status = 200, body = InboxPage),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_query"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/messaging/v1/inbox")]
pub async fn list(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    query: Query<InboxQuery>,
) -> Result<Json<InboxPage>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, LARGEST_LIMIT);
    Ok(Json(mailbox::inbox(messaging.database(), &context, &caller, query.before, limit).await?))
}
