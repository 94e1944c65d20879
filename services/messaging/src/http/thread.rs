//! Settles how threads are read over HTTP.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpResponse, get, post};
use shared::context::Context;
use shared::http::{Caller, Problem, ProblemBody};
use uuid::Uuid;

use super::page::PageQuery;
use crate::app::Messaging;
use crate::domain::mailbox::{self, ThreadView};

/// A thread that I have part in.
#[utoipa::path(
    tag = "mailbox",
    params(("id" = Uuid, Path, description = "The thread"), PageQuery),
    responses(
        (status = 200, body = ThreadView),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_query"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "thread_not_found"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/messaging/v1/threads/{id}")]
pub async fn show(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    id: Path<Uuid>,
    query: Query<PageQuery>,
) -> Result<Json<ThreadView>, Problem> {
    let wanted = query.into_inner().wanted()?;
    Ok(Json(mailbox::thread(messaging.database(), &context, &caller, *id, &wanted).await?))
}

/// Mark what was delivered to me in a thread as read; again is no error.
#[utoipa::path(
    tag = "mailbox",
    params(("id" = Uuid, Path, description = "The thread")),
    responses(
        (status = 204, description = "Read"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "thread_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[post("/messaging/v1/threads/{id}/read")]
pub async fn mark_read(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    id: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    mailbox::mark_read(messaging.database(), &context, &caller, *id).await?;
    Ok(HttpResponse::NoContent().finish())
}
