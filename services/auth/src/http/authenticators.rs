//! Settles how authenticators are enrolled and recovery codes renewed over HTTP. What is secret is said once, and kept by nobody on the way.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, get, post};
use garde::Validate;
use serde::{Deserialize, Serialize};
use shared::context::Context;
use shared::http::{Body, Caller, ClientAddress, Problem, ProblemBody};
use shared::idempotency::Keyless;
use utoipa::ToSchema;

use super::sessions::browser_of;
use crate::app::Auth;
use crate::domain::enrolment::Offer;
use crate::domain::security_event::Seen;
use crate::store::authenticator::Own;

/// What somebody has besides a password.
#[derive(Serialize, ToSchema)]
pub struct SecondFactors {
    /// Whether sign-ins ask for a one-time code.
    has_authenticator: bool,
    /// Recovery codes that nobody has used.
    recovery_codes_left: i64,
}

/// An authenticator that is offered. It counts once a code of it has been sent.
#[derive(Serialize, ToSchema)]
pub struct Offered {
    /// Base32, for whoever types it.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// The same with the account's name, for a QR code.
    otpauth_uri: String,
    /// A code of it must be sent before.
    confirm_before: chrono::DateTime<chrono::Utc>,
}

/// Recovery codes, each good once. They are said once and kept nowhere.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// Ten, as they are printed.
    pub(super) recovery_codes: Vec<String>,
}

/// The code that proves that somebody holds what was offered.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// Current code of the authenticator that was offered.
    #[garde(length(bytes, equal = 6), ascii)]
    #[schema(example = "287082")]
    totp_code: String,
}

/// What you have besides your password.
#[utoipa::path(
    tag = "authenticators",
    responses(
        (status = 200, body = SecondFactors),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, account_gone"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[get("/auth/v1/authenticators")]
pub async fn show(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
) -> Result<Json<SecondFactors>, Problem> {
    let own = auth.authenticators().own(&context, caller.sub).await?;
    let Own { has_authenticator, recovery_codes_left } = own;
    Ok(Json(SecondFactors { has_authenticator, recovery_codes_left }))
}

/// Get the secret of a new authenticator: after a fresh sign-in, or with a fresh one-time code where it replaces one.
#[utoipa::path(
    tag = "authenticators",
    responses(
        (status = 201, body = Offered),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "idempotency_key_not_taken"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked, account_gone"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "step_up_required, fresh_sign_in_required, foreign_origin"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/auth/v1/authenticators")]
pub async fn offer(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    _: Keyless,
) -> Result<HttpResponse, Problem> {
    Ok(once(&Offered::from(auth.authenticators().offer(&context, &caller).await?)))
}

/// Prove that you hold the authenticator that was offered: from now on it is asked for. Gives ten recovery codes.
#[utoipa::path(
    tag = "authenticators",
    request_body = Confirmation,
    responses(
        (status = 201, body = RecoveryCodes),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body, idempotency_key_not_taken"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked, totp_wrong"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "foreign_origin"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "nothing_offered"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "too_many_attempts, rate_limited"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/auth/v1/authenticators/confirmation")]
pub async fn confirm(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    _: Keyless,
    ClientAddress(address): ClientAddress,
    request: HttpRequest,
    Body(typed): Body<Confirmation>,
) -> Result<HttpResponse, Problem> {
    let seen = Seen { address, browser: &browser_of(&request) };
    let recovery_codes = auth.authenticators().confirm(&context, &caller, seen, &typed.totp_code).await?;
    Ok(once(&RecoveryCodes { recovery_codes }))
}

/// Get ten new recovery codes, with a fresh one-time code. Those before are good no more.
#[utoipa::path(
    tag = "authenticators",
    responses(
        (status = 201, body = RecoveryCodes),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "idempotency_key_not_taken"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "step_up_required, authenticator_required, foreign_origin"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/auth/v1/recovery-codes")]
pub async fn renew_recovery_codes(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    _: Keyless,
) -> Result<HttpResponse, Problem> {
    let recovery_codes = auth.authenticators().renew_recovery_codes(&context, &caller).await?;
    Ok(once(&RecoveryCodes { recovery_codes }))
}

impl From<Offer> for Offered {
    fn from(offered: Offer) -> Self {
        let Offer { secret, otpauth_uri, confirm_before } = offered;
        Self { secret, otpauth_uri, confirm_before }
    }
}

/// Nobody on the way keeps a copy.
pub(super) fn once(body: &impl Serialize) -> HttpResponse {
    let mut response = HttpResponse::Created();
    response.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
    response.json(body)
}
