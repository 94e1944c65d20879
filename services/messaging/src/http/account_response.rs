//! Settles how administrators of a school have stolen accounts secured in one act over HTTP. Those of all schools: `messaging operate`.

use actix_web::web::{Data, Json, Path};
use actix_web::{get, post};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use shared::context::Context;
use shared::http::{Authority, Body, Caller, Problem, ProblemBody};
use shared::idempotency::{Answer, IdempotencyKeyHeader, Keyed};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::Messaging;
use crate::domain::account_response::{NewAccountResponse, Progress, Responded};
use crate::domain::administration::{RESPONDING, holds, order_in_school};
use crate::store::account_response::Response;

/// Accounts that somebody has taken over.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StolenAccounts {
    /// Whose: 1 to 500 people of the school.
    #[garde(length(min = 1, max = 500))]
    people: Vec<Uuid>,
    /// Since when they are not trusted: what they have sent since then is withdrawn. 30 days ago at most.
    #[garde(skip)]
    since: DateTime<Utc>,
    /// Why, for the audit log.
    #[garde(length(chars, min = 1, max = 300), custom(shared::http::line))]
    reason: String,
    /// Whom recipients are to ask, such as an office and its telephone number.
    #[garde(inner(length(chars, min = 1, max = 200), custom(shared::http::line)))]
    contact: Option<String>,
    /// Who demanded it.
    #[garde(dive)]
    authority: Authority,
    /// Which incident it belongs to, if any.
    #[garde(skip)]
    incident: Option<Uuid>,
}

/// Responses of a school.
#[derive(Debug, Serialize, ToSchema)]
pub struct Responses {
    /// The latest 100, the newest first.
    responses: Vec<Response>,
}

/// Secure stolen accounts of a school of yours. When this is answered they cannot send, and nobody sees what they sent; auth
/// locks them, ends their sessions everywhere and forces a reset as soon as it can.
#[utoipa::path(
    tag = "account responses",
    params(("school_id" = Uuid, Path, description = "The school"), IdempotencyKeyHeader),
    request_body = StolenAccounts,
    responses(
        (status = 201, body = Responded),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body, malformed_idempotency_key"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, administrator_account, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "request_in_progress"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body, not_of_the_school, recall_too_large, idempotency_key_reused"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/schools/{school_id}/account-responses")]
pub async fn respond(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    school: Path<Uuid>,
    Keyed(claim, Body(stolen)): Keyed<Body<StolenAccounts>>,
) -> Result<Answer, Problem> {
    let now_s = context.clock().unix_seconds();
    let StolenAccounts { people, since, reason, contact, authority, incident } = stolen;
    let order = order_in_school(&caller, *school, RESPONDING, now_s, authority.into_text())?;
    let order = messaging.incidents().order_in(&context, order, incident, Some(*school)).await?;
    let new = NewAccountResponse { people, since, reason, contact };
    Ok(messaging.account_responses().respond(&context, &order, *school, &new, claim.as_ref()).await?)
}

/// Responses of a school of yours, and how many accounts of each wait for auth.
#[utoipa::path(
    tag = "account responses",
    params(("school_id" = Uuid, Path, description = "The school")),
    responses(
        (status = 200, body = Responses),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/messaging/v1/schools/{school_id}/account-responses")]
pub async fn list(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    school: Path<Uuid>,
) -> Result<Json<Responses>, Problem> {
    holds(&caller, *school, RESPONDING)?;
    Ok(Json(Responses { responses: messaging.account_responses().list(&context, *school).await? }))
}

/// How far a response of a school of yours is, account by account.
#[utoipa::path(
    tag = "account responses",
    params(("school_id" = Uuid, Path, description = "The school"), ("id" = Uuid, Path, description = "The response")),
    responses(
        (status = 200, body = Progress),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, response_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/messaging/v1/schools/{school_id}/account-responses/{id}")]
pub async fn show(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    path: Path<(Uuid, Uuid)>,
) -> Result<Json<Progress>, Problem> {
    holds(&caller, path.0, RESPONDING)?;
    Ok(Json(messaging.account_responses().progress(&context, path.0, path.1).await?))
}
