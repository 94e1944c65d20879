//! Settles how somebody who is signed in proves again who they are, over HTTP.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use garde::Validate;
use serde::Deserialize;
use shared::context::Context;
use shared::http::{Body, Caller, ClientAddress, Problem, ProblemBody};
use shared::idempotency::Keyless;
use shared::session::REFRESH_COOKIE;
use utoipa::ToSchema;

use super::sessions::{Refreshed, browser_of, with_cookies};
use crate::app::Auth;
use crate::domain::security_event::Seen;
use crate::domain::step_up::step_up as prove_again;
use crate::error::Error;

/// The proof.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepUp {
    /// Current code of the authenticator.
    #[garde(length(bytes, equal = 6), ascii)]
    #[schema(example = "287082")]
    totp_code: String,
}

/// Prove again who you are, for what asks for it: for a quarter of an hour administration is open.
#[utoipa::path(
    tag = "sessions",
    request_body = StepUp,
    responses(
        (status = 200, body = Refreshed, description = "Proved; sets both cookies anew"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body, idempotency_key_not_taken"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json",
            description = "sign_in_required, session_revoked, session_over, totp_wrong, totp_code_used"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "authenticator_required, foreign_origin"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "too_many_attempts, rate_limited"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "database_unavailable, revocation_lag, session_degraded: you stay signed in")
    )
)]
#[post("/auth/v1/sessions/step-up")]
pub async fn step_up(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    _: Keyless,
    ClientAddress(address): ClientAddress,
    request: HttpRequest,
    Body(proof): Body<StepUp>,
) -> Result<HttpResponse, Problem> {
    let handle = request.cookie(REFRESH_COOKIE).ok_or(Error::SessionOver)?;
    let seen = Seen { address, browser: &browser_of(&request) };
    let typed = (proof.totp_code.as_str(), seen);
    let granted = prove_again(auth.sign_in(), &context, &caller, handle.value(), typed).await?;
    let body = Refreshed::new(&granted);
    Ok(with_cookies(HttpResponse::Ok(), granted).json(body))
}
