//! Settles how the people in charge of a school withdraw messages, see who had read them, and decide what becomes of them, over HTTP. Those of all schools: `messaging operate`.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{get, post};
use garde::Validate;
use serde::{Deserialize, Serialize};
use shared::context::Context;
use shared::http::{Authority, Body, Caller, Demanded, Problem, ProblemBody};
use shared::idempotency::{Answer, IdempotencyKeyHeader, Keyed};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::Messaging;
use crate::domain::administration::{GUARDING, holds, order_in_school, order_to_decide, proves};
use crate::domain::recall::{Decision, Extent, FARTHEST, Selector};
use crate::domain::recalls::{Deciding, Request, Withdrawn};
use crate::store::recall::{ReaderOf, Recall};

const DEFAULT_LIMIT: u32 = 100;
const LARGEST_LIMIT: u32 = 500;

/// Which messages a recall would withdraw.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Which messages of the school.
    #[garde(skip)]
    selector: Selector,
}

/// A recall.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecall {
    /// Which messages of the school.
    #[garde(skip)]
    selector: Selector,
    /// Why, for the school.
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

/// What a recall would withdraw.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    /// How much; nothing when there is no such message.
    schools: Vec<Extent>,
}

/// Recalls of a school.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recalls {
    /// The latest 100, the newest first.
    recalls: Vec<Recall>,
}

/// Which page of readers.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadersQuery {
    /// `next` of the page before.
    after: Option<Uuid>,
    /// People on the page, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

/// People who had read what was withdrawn.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readers {
    /// In the order of their ids.
    readers: Vec<ReaderOf>,
    /// Pass it as `after` for the next page; absent on the last.
    next: Option<Uuid>,
}

/// How many messages, copies and readers a recall in a school of yours would concern. Nothing is changed. One at a time in a school.
#[utoipa::path(
    tag = "recalls",
    params(("school_id" = Uuid, Path, description = "The school")),
    request_body = Selection,
    responses(
        (status = 200, body = Preview),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "preview_under_way"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/schools/{school_id}/recalls/preview")]
pub async fn preview(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    school: Path<Uuid>,
    Body(selection): Body<Selection>,
) -> Result<Json<Preview>, Problem> {
    proves(&caller, *school, GUARDING, context.clock().unix_seconds())?;
    let schools = messaging.recalls().preview(&context, Some(*school), &selection.selector, Some(FARTHEST));
    let schools = schools.await?;
    Ok(Json(Preview { schools }))
}

/// Withdraw messages in a school of yours: when this is answered, nobody sees a copy of them any more. Two persons decide later
/// whether they come back.
#[utoipa::path(
    tag = "recalls",
    params(("school_id" = Uuid, Path, description = "The school"), IdempotencyKeyHeader),
    request_body = NewRecall,
    responses(
        (status = 201, body = Withdrawn),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body, malformed_idempotency_key"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "request_in_progress"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body, recall_too_large, idempotency_key_reused"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/schools/{school_id}/recalls")]
pub async fn quarantine(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    school: Path<Uuid>,
    Keyed(claim, Body(new)): Keyed<Body<NewRecall>>,
) -> Result<Answer, Problem> {
    let now_s = context.clock().unix_seconds();
    let NewRecall { selector, reason, contact, authority, incident } = new;
    let order = order_in_school(&caller, *school, GUARDING, now_s, authority.into_text())?;
    let order = messaging.incidents().order_in(&context, order, incident, Some(*school)).await?;
    let request = Request { selector, reason, contact };
    Ok(messaging.recalls().quarantine(&context, &order, *school, &request, claim.as_ref()).await?)
}

/// What was withdrawn in a school of yours.
#[utoipa::path(
    tag = "recalls",
    params(("school_id" = Uuid, Path, description = "The school")),
    responses(
        (status = 200, body = Recalls),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/messaging/v1/schools/{school_id}/recalls")]
pub async fn list(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    school: Path<Uuid>,
) -> Result<Json<Recalls>, Problem> {
    holds(&caller, *school, GUARDING)?;
    Ok(Json(Recalls { recalls: messaging.recalls().list(&context, Some(*school)).await? }))
}

/// Who had read what was withdrawn in a school of yours.
#[utoipa::path(
    tag = "recalls",
    params(("school_id" = Uuid, Path, description = "The school"), ("id" = Uuid, Path, description = "The recall"), ReadersQuery),
    responses(
        (status = 200, body = Readers),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_query"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, recall_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[get("/messaging/v1/schools/{school_id}/recalls/{id}/readers")]
pub async fn list_readers(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    path: Path<(Uuid, Uuid)>,
    query: Query<ReadersQuery>,
) -> Result<Json<Readers>, Problem> {
    holds(&caller, path.0, GUARDING)?;
    let limit = i64::from(query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, LARGEST_LIMIT));
    let after = query.after.unwrap_or(Uuid::nil());
    let readers = messaging.recalls().readers(&context, *path, after, limit).await?;
    let is_full = i64::try_from(readers.len()).is_ok_and(|length| length == limit);
    let next = readers.last().map(|reader| reader.person_id).filter(|_| is_full);
    Ok(Json(Readers { readers, next }))
}

/// Show what was withdrawn in a school of yours again. Two persons ask for it within an hour: the first waits, the second does it;
/// each on a device that their account has known for a day, with a password that no code has set since.
#[utoipa::path(
    tag = "recalls",
    params(("school_id" = Uuid, Path, description = "The school"), ("id" = Uuid, Path, description = "The recall")),
    request_body = Demanded,
    responses(
        (status = 200, body = Deciding, description = "Done, or waiting for another person"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, too_new_to_decide, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, recall_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "recall_decided"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/schools/{school_id}/recalls/{id}/restore")]
pub async fn restore(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    path: Path<(Uuid, Uuid)>,
    Body(demanded): Body<Demanded>,
) -> Result<Json<Deciding>, Problem> {
    decide(&context, &caller, &messaging, *path, demanded, Decision::Restored).await
}

/// Keep what was withdrawn in a school of yours hidden for good. Two persons ask for it within an hour, as for a restoration.
#[utoipa::path(
    tag = "recalls",
    params(("school_id" = Uuid, Path, description = "The school"), ("id" = Uuid, Path, description = "The recall")),
    request_body = Demanded,
    responses(
        (status = 200, body = Deciding, description = "Done, or waiting for another person"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, too_new_to_decide, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, recall_not_found"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "recall_decided"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/messaging/v1/schools/{school_id}/recalls/{id}/make-final")]
pub async fn make_final(
    context: Context,
    caller: Caller,
    messaging: Data<Messaging>,
    path: Path<(Uuid, Uuid)>,
    Body(demanded): Body<Demanded>,
) -> Result<Json<Deciding>, Problem> {
    decide(&context, &caller, &messaging, *path, demanded, Decision::Final).await
}

async fn decide(
    context: &Context,
    caller: &Caller,
    messaging: &Messaging,
    path: (Uuid, Uuid),
    demanded: Demanded,
    decision: Decision,
) -> Result<Json<Deciding>, Problem> {
    let now_s = context.clock().unix_seconds();
    let order = order_to_decide(caller, path.0, now_s, demanded.authority.into_text())?;
    let order = messaging.incidents().order_in(context, order, demanded.incident, Some(path.0)).await?;
    Ok(Json(messaging.recalls().decide(context, &order, caller.sub, (Some(path.0), path.1), decision).await?))
}
