//! Settles how administrators see, block and open the accounts of their school over HTTP.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpResponse, get, post};
use garde::Validate;
use serde::Deserialize;
use shared::context::Context;
use shared::http::{Body, Caller, Demanded, Problem, ProblemBody, valid};
use shared::session::Role;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::app::Auth;
use crate::domain::administration::order_in_school;
use crate::domain::school_account::{self, Of};
use crate::store::school_account::{AccountPage, AccountState, Filter, SchoolAccount};

/// What to look for.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountQuery {
    /// Only accounts with this role.
    #[garde(skip)]
    role: Option<Role>,
    /// Only accounts in this state.
    #[garde(skip)]
    state: Option<AccountState>,
    /// `next` of the page before.
    #[garde(skip)]
    after: Option<Uuid>,
    /// Accounts on a page.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 100))]
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: u32,
}

fn default_limit() -> u32 {
    50
}

/// The accounts of a school that you administer. Who is called what: `/auth/v1/schools/{school_id}/people`.
#[utoipa::path(
    tag = "administration",
    params(("school_id" = Uuid, Path, description = "The school"), AccountQuery),
    responses(
        (status = 200, body = AccountPage),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_query"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[get("/auth/v1/schools/{school_id}/accounts")]
pub async fn list(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    school: Path<Uuid>,
    query: Query<AccountQuery>,
) -> Result<Json<AccountPage>, Problem> {
    let AccountQuery { role, state, after, limit } = valid(query.into_inner())?;
    let filter = Filter { role, state, after, limit };
    Ok(Json(school_account::list(auth.database(), &context, &caller, *school, &filter).await?))
}

/// One account of a school that you administer.
#[utoipa::path(
    tag = "administration",
    params(("school_id" = Uuid, Path, description = "The school"), ("person_id" = Uuid, Path, description = "The person")),
    responses(
        (status = 200, body = SchoolAccount),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, account_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[get("/auth/v1/schools/{school_id}/accounts/{person_id}")]
pub async fn show(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    path: Path<(Uuid, Uuid)>,
) -> Result<Json<SchoolAccount>, Problem> {
    Ok(Json(school_account::show(auth.database(), &context, &caller, of(&path)).await?))
}

/// Block an account: its sessions end everywhere within a second, and nobody signs in to it until the block is lifted.
#[utoipa::path(
    tag = "administration",
    params(("school_id" = Uuid, Path, description = "The school"), ("person_id" = Uuid, Path, description = "The person")),
    request_body = Demanded,
    responses(
        (status = 204, description = "Blocked; also when it was"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json",
            description = "not_allowed, step_up_required, administrator_account, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, account_not_found"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/auth/v1/schools/{school_id}/accounts/{person_id}/block")]
pub async fn block(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    path: Path<(Uuid, Uuid)>,
    Body(demanded): Body<Demanded>,
) -> Result<HttpResponse, Problem> {
    let (of, now_s) = (of(&path), context.clock().unix_seconds());
    let order = order_in_school(&caller, of.school, now_s, demanded.authority.into_text())?
        .in_incident(demanded.incident);
    school_account::block(auth.revocations(), &context, &order, of).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lift the block of an account. It opens with the password that it had.
#[utoipa::path(
    tag = "administration",
    params(("school_id" = Uuid, Path, description = "The school"), ("person_id" = Uuid, Path, description = "The person")),
    request_body = Demanded,
    responses(
        (status = 204, description = "Open; also when it was"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json",
            description = "not_allowed, step_up_required, administrator_account, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, account_not_found"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/auth/v1/schools/{school_id}/accounts/{person_id}/unblock")]
pub async fn unblock(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    path: Path<(Uuid, Uuid)>,
    Body(demanded): Body<Demanded>,
) -> Result<HttpResponse, Problem> {
    let (of, now_s) = (of(&path), context.clock().unix_seconds());
    let order = order_in_school(&caller, of.school, now_s, demanded.authority.into_text())?
        .in_incident(demanded.incident);
    school_account::unblock(auth.database(), &context, &order, of).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub(super) fn of(&(school, person): &(Uuid, Uuid)) -> Of {
    Of { school, person }
}
