//! Settles how people see where they are signed in, and end it, over HTTP.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get};
use serde::Serialize;
use shared::context::Context;
use shared::http::{Caller, ClientAddress, Problem, ProblemBody};
use shared::session::removal_cookies;
use utoipa::ToSchema;
use uuid::Uuid;

use super::sessions::browser_of;
use crate::app::Auth;
use crate::domain::own_sessions::{self, OwnSession};
use crate::domain::security_event::Seen;

/// Where somebody is signed in.
#[derive(Serialize, ToSchema)]
pub struct OwnSessions {
    /// The last used first, at most 100.
    sessions: Vec<OwnSession>,
}

/// Where I am signed in.
#[utoipa::path(
    tag = "sessions",
    responses(
        (status = 200, body = OwnSessions),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/auth/v1/sessions")]
pub async fn list(context: Context, caller: Caller, auth: Data<Auth>) -> Result<Json<OwnSessions>, Problem> {
    Ok(Json(OwnSessions { sessions: own_sessions::list(auth.sessions(), &context, &caller).await? }))
}

/// End one of my sessions, such as one on a device that I have lost.
#[utoipa::path(
    tag = "sessions",
    params(("sid" = Uuid, Path, description = "The session")),
    responses(
        (status = 204, description = "Ended; refused everywhere within a second"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "session_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable: nothing has ended")
    )
)]
#[delete("/auth/v1/sessions/{sid}")]
pub async fn end_one(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    ClientAddress(address): ClientAddress,
    request: HttpRequest,
    sid: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let seen = Seen { address, browser: &browser_of(&request) };
    own_sessions::end_one(auth.sessions(), &context, &caller, seen, *sid).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// End all my sessions, this one too.
#[utoipa::path(
    tag = "sessions",
    responses(
        (status = 204, description = "Ended; refused everywhere within a second; removes both cookies"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "foreign_origin"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable: nothing has ended")
    )
)]
#[delete("/auth/v1/sessions")]
pub async fn end_all(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    ClientAddress(address): ClientAddress,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let seen = Seen { address, browser: &browser_of(&request) };
    own_sessions::end_all(auth.sessions(), &context, &caller, seen).await?;
    let mut response = HttpResponse::NoContent();
    for cookie in removal_cookies() {
        response.cookie(cookie);
    }
    Ok(response.finish())
}
