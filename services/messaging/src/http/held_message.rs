//! Settles how held messages are looked at over HTTP: by those who may review in a school, or by their sender.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, get, post};
use garde::Validate;
use serde::Deserialize;
use shared::context::Context;
use shared::http::{Body, Caller, Problem, ProblemBody};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::Messaging;
use crate::domain::administration::{REVIEWING, holds as is_one_of, order_of_reviewer};
use crate::domain::hold::Outcome;
use crate::domain::holds::{self, ReviewQueue};

/// A decision about a held message.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// Whether it goes to its recipients.
    #[garde(skip)]
    outcome: Outcome,
    /// Why, in words for the sender.
    #[garde(length(chars, min = 1, max = 300), custom(shared::http::line))]
    note: String,
}

/// What waits for a second look in a school of yours. Other messages are not shown to reviewers.
#[utoipa::path(
    tag = "review",
    params(("school_id" = Uuid, Path, description = "The school")),
    responses(
        (status = 200, body = ReviewQueue),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[get("/messaging/v1/schools/{school_id}/held-messages")]
pub async fn list(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    school: Path<Uuid>,
) -> Result<Json<ReviewQueue>, Problem> {
    is_one_of(&caller, *school, REVIEWING)?;
    Ok(Json(holds::list(messaging.database(), &context, *school).await?))
}

/// Release or refuse a message that waits in a school of yours.
#[utoipa::path(
    tag = "review",
    params(("school_id" = Uuid, Path, description = "The school"), ("id" = Uuid, Path, description = "The message")),
    request_body = Decided,
    responses(
        (status = 204, description = "Decided; the sender reads why"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json",
            description = "not_allowed, own_message, sending_restricted, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, held_message_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json",
            description = "sender_contained: it can only be refused"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/schools/{school_id}/held-messages/{id}/decision")]
pub async fn decide(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    path: Path<(Uuid, Uuid)>,
    Body(decided): Body<Decided>,
) -> Result<HttpResponse, Problem> {
    let order = order_of_reviewer(&caller, path.0, context.clock().unix_seconds())?;
    let (by, decision) = ((&order, caller.sub), (decided.outcome, decided.note.as_str()));
    holds::decide(messaging.database(), &context, by, *path, decision).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Release a message of yours that waits, with a one-time code typed since it was held (`POST /auth/v1/…/step-up`).
#[utoipa::path(
    tag = "messages",
    params(("id" = Uuid, Path, description = "The message")),
    responses(
        (status = 204, description = "It goes to its recipients"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json",
            description = "step_up_required, reviewer_only, account_contained, sending_restricted, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "held_message_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/messages/{id}/release")]
pub async fn release(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    id: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    holds::release_own(messaging.database(), &context, &caller, *id).await?;
    Ok(HttpResponse::NoContent().finish())
}
