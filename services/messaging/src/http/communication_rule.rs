//! Settles how people read who may write to whom in their school, and how its administrators change it, over HTTP.

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
use crate::domain::communication_rule::Rule;
use crate::domain::communication_rules::{self, CommunicationRules};

/// Changes of who may write to whom.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRules {
    /// The pairs of roles that change; the others stay as they are.
    #[garde(length(min = 1, max = 49))]
    rules: Vec<Rule>,
    /// Who demanded it.
    #[garde(dive)]
    authority: Authority,
}

/// Who may write to whom in a school of mine.
#[utoipa::path(
    tag = "rules",
    params(("school_id" = Uuid, Path, description = "The school")),
    responses(
        (status = 200, body = CommunicationRules),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/messaging/v1/schools/{school_id}/communication-rules")]
pub async fn list(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    school: Path<Uuid>,
) -> Result<Json<CommunicationRules>, Problem> {
    holds(&caller, *school, &Role::ALL)?;
    Ok(Json(communication_rules::list(messaging.policies(), &context, *school).await?))
}

/// Change who may write to whom in a school of yours. It holds for sends that begin a second later, everywhere.
#[utoipa::path(
    tag = "rules",
    params(("school_id" = Uuid, Path, description = "The school")),
    request_body = NewRules,
    responses(
        (status = 204, description = "Changed, all of them"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body, scope_too_wide"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[put("/messaging/v1/schools/{school_id}/communication-rules")]
pub async fn change(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    school: Path<Uuid>,
    Body(new): Body<NewRules>,
) -> Result<HttpResponse, Problem> {
    let now_s = context.clock().unix_seconds();
    let order = order_in_school(&caller, *school, ADMINISTERING, now_s, new.authority.into_text())?;
    let changed = (*school, new.rules.as_slice());
    communication_rules::change(messaging.database(), messaging.policies(), &context, &order, changed)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
