//! Settles how people read how much they may send in their school, and how its administrators change it, over HTTP.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, get, put};
use garde::Validate;
use serde::Deserialize;
use shared::context::Context;
use shared::http::{Authority, Body, Caller, Problem, ProblemBody};
use shared::session::Role;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::Messaging;
use crate::domain::administration::{ADMINISTERING, holds, order_in_school};
use crate::domain::budget::Limits;
use crate::domain::send_limits::{self, SendLimits};

/// Other limits of a role.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLimits {
    /// All of them: what the role counts, and nothing else.
    #[garde(skip)]
    limits: Limits,
    /// Who demanded it.
    #[garde(dive)]
    authority: Authority,
}

/// How much is sent in a school of mine, role by role.
#[utoipa::path(
    tag = "rules",
    params(("school_id" = Uuid, Path, description = "The school")),
    responses(
        (status = 200, body = SendLimits),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/messaging/v1/schools/{school_id}/send-limits")]
pub async fn list(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    school: Path<Uuid>,
) -> Result<Json<SendLimits>, Problem> {
    holds(&caller, *school, &Role::ALL)?;
    Ok(Json(send_limits::list(messaging.policies(), &context, *school).await?))
}

/// Change how much is sent in a role in a school of yours.
#[utoipa::path(
    tag = "rules",
    params(("school_id" = Uuid, Path, description = "The school"), ("role" = Role, Path, description = "The role")),
    request_body = NewLimits,
    responses(
        (status = 204, description = "Changed"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, not_found"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body, limits_too_wide"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[put("/messaging/v1/schools/{school_id}/send-limits/{role}")]
pub async fn change(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    path: Path<(Uuid, Role)>,
    Body(new): Body<NewLimits>,
) -> Result<HttpResponse, Problem> {
    let (school, role) = *path;
    let now_s = context.clock().unix_seconds();
    let order = order_in_school(&caller, school, ADMINISTERING, now_s, new.authority.into_text())?;
    let changed = (school, role, new.limits);
    send_limits::change(messaging.database(), messaging.policies(), &context, &order, changed).await?;
    Ok(HttpResponse::NoContent().finish())
}
