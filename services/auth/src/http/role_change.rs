//! Settles how administrators change the roles of people of their school over HTTP.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};
use garde::Validate;
use serde::Deserialize;
use shared::context::Context;
use shared::http::{Authority, Body, Caller, Problem, ProblemBody};
use shared::session::Role;
use utoipa::ToSchema;
use uuid::Uuid;

use super::school_account::of;
use crate::app::Auth;
use crate::domain::administration::order_in_school;
use crate::domain::role_change;

/// What becomes of a role.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The person gets it.
    Grant,
    /// The person loses it.
    End,
}

/// A change of somebody's roles in the school.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleChange {
    /// What becomes of it.
    #[garde(skip)]
    change: Change,
    /// The role.
    #[garde(skip)]
    role: Role,
    /// Who demanded it.
    #[garde(dive)]
    authority: Authority,
}

/// Change the roles of somebody of your school. A role that ends is worth nothing anywhere within a second; one that is
/// granted is in the person's next token. Operators alone change the role `LocalAdmin` and grant the role `Principal`.
#[utoipa::path(
    tag = "administration",
    params(("school_id" = Uuid, Path, description = "The school"), ("person_id" = Uuid, Path, description = "The person")),
    request_body = RoleChange,
    responses(
        (status = 204, description = "Changed; also when it was so before"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json",
            description = "not_allowed, step_up_required, administrator_account, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "school_not_found, account_not_found"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/auth/v1/schools/{school_id}/accounts/{person_id}/role-changes")]
pub async fn change(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    path: Path<(Uuid, Uuid)>,
    Body(new): Body<RoleChange>,
) -> Result<HttpResponse, Problem> {
    let (of, now_s) = (of(&path), context.clock().unix_seconds());
    let order = order_in_school(&caller, of.school, now_s, new.authority.into_text())?;
    match new.change {
        Change::Grant => role_change::grant(auth.database(), &context, &order, of, new.role).await?,
        Change::End => role_change::end(auth.revocations(), &context, &order, of, new.role).await?,
    }
    Ok(HttpResponse::NoContent().finish())
}
