//! Settles how the people in charge of a school close sending, reopen it and give the all-clear over HTTP. Those of all schools: `messaging operate`.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use shared::context::Context;
use shared::http::{Authority, Body, Caller, Demanded, Problem, ProblemBody};
use shared::session::Role;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::Messaging;
use crate::domain::administration::{GUARDING, holds, order_in_school, order_to_decide};
use crate::domain::restriction::{Direction, Mode, Restriction};
use crate::domain::restrictions::{Closed, NewRestriction, Reopening};

/// A closing of sending.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSendRestriction {
    /// Whose messages: 1 to 7 roles.
    #[garde(length(min = 1, max = 7))]
    roles: Vec<Role>,
    /// Those that they send, or those that are sent to them.
    #[garde(skip)]
    direction: Direction,
    /// What is still possible: `reply_only`, `hold` or `closed`.
    #[garde(skip)]
    mode: Mode,
    /// Whether it is reopened only after an all-clear of the school: for a threat against people.
    #[serde(default)]
    #[garde(skip)]
    needs_all_clear: bool,
    /// Why, in words for those who are refused.
    #[garde(length(chars, min = 1, max = 300), custom(shared::http::line))]
    reason: String,
    /// When it ends by itself, a week from now at the latest.
    #[garde(skip)]
    ends_at: DateTime<Utc>,
    /// Who demanded it.
    #[garde(dive)]
    authority: Authority,
    /// The incident that it belongs to.
    #[garde(skip)]
    incident: Option<Uuid>,
}

/// What was closed.
#[derive(Serialize, ToSchema)]
pub struct SendRestrictions {
    /// One for each role.
    restrictions: Vec<Restriction>,
}

/// What a restriction is to become.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReopening {
    /// Weaker than now: `open`, `reply_only` or `hold`.
    #[garde(skip)]
    mode: Mode,
    /// Who demanded it.
    #[garde(dive)]
    authority: Authority,
    /// The incident that it belongs to.
    #[garde(skip)]
    incident: Option<Uuid>,
}

/// What is closed in a school of yours, of its own and of all schools.
#[utoipa::path(
    tag = "restrictions",
    params(("school_id" = Uuid, Path, description = "The school")),
    responses(
        (status = 200, body = Closed),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, incident_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[get("/messaging/v1/schools/{school_id}/send-restrictions")]
pub async fn list(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    school: Path<Uuid>,
) -> Result<Json<Closed>, Problem> {
    holds(&caller, *school, GUARDING)?;
    Ok(Json(messaging.restrictions().list(&context, Some(*school)).await?))
}

/// Close sending in a school of yours: when this is answered, no message is accepted any more that it refuses.
#[utoipa::path(
    tag = "restrictions",
    params(("school_id" = Uuid, Path, description = "The school")),
    request_body = NewSendRestriction,
    responses(
        (status = 201, body = SendRestrictions),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, incident_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "too_many_restrictions, incident_closed"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/schools/{school_id}/send-restrictions")]
pub async fn restrict(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    school: Path<Uuid>,
    Body(new): Body<NewSendRestriction>,
) -> Result<HttpResponse, Problem> {
    let now_s = context.clock().unix_seconds();
    let NewSendRestriction { roles, direction, mode, needs_all_clear, reason, ends_at, authority, incident } =
        new;
    let order = order_in_school(&caller, *school, GUARDING, now_s, authority.into_text())?;
    let order = messaging.incidents().order_in(&context, order, incident, Some(*school)).await?;
    let new = NewRestriction { roles, direction, mode, needs_all_clear, reason, ends_at };
    let restrictions = messaging.restrictions().restrict(&context, &order, Some(*school), &new).await?;
    Ok(HttpResponse::Created().json(SendRestrictions { restrictions }))
}

/// Make a restriction weaker in a school of yours, or end it there. Two persons ask for the same within an hour: the first waits,
/// the second confirms; each on a device that their account has known for a day, with a password that no code has set since.
#[utoipa::path(
    tag = "restrictions",
    params(("school_id" = Uuid, Path, description = "The school"), ("id" = Uuid, Path, description = "The restriction")),
    request_body = NewReopening,
    responses(
        (status = 200, body = Reopening, description = "Done, or waiting for another person"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, too_new_to_decide, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, restriction_not_found, incident_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "not_weaker, earlier_step_first, all_clear_missing, incident_closed"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/schools/{school_id}/send-restrictions/{id}/reopen")]
pub async fn reopen(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    path: Path<(Uuid, Uuid)>,
    Body(new): Body<NewReopening>,
) -> Result<Json<Reopening>, Problem> {
    let now_s = context.clock().unix_seconds();
    let order = order_to_decide(&caller, path.0, now_s, new.authority.into_text())?;
    let order = messaging.incidents().order_in(&context, order, new.incident, Some(path.0)).await?;
    let of_school = (Some(path.0), path.1);
    Ok(Json(messaging.restrictions().reopen(&context, &order, caller.sub, of_school, new.mode).await?))
}

/// Say that a school of yours is safe. It opens nothing by itself.
#[utoipa::path(
    tag = "restrictions",
    params(("school_id" = Uuid, Path, description = "The school")),
    request_body = Demanded,
    responses(
        (status = 204, description = "Kept"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, incident_not_found"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/schools/{school_id}/all-clears")]
pub async fn give_all_clear(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    school: Path<Uuid>,
    Body(demanded): Body<Demanded>,
) -> Result<HttpResponse, Problem> {
    let now_s = context.clock().unix_seconds();
    let order = order_in_school(&caller, *school, GUARDING, now_s, demanded.authority.into_text())?;
    let order = messaging.incidents().order_in(&context, order, demanded.incident, Some(*school)).await?;
    messaging.restrictions().give_all_clear(&context, &order, caller.sub, Some(*school)).await?;
    Ok(HttpResponse::NoContent().finish())
}
