//! Settles how somebody who is not signed in enrols an authenticator over HTTP: with a code that their school has printed for it.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use garde::Validate;
use serde::Deserialize;
use shared::context::Context;
use shared::http::{Body, ClientAddress, Problem, ProblemBody};
use shared::idempotency::Keyless;
use utoipa::ToSchema;

use super::authenticators::{Offered, RecoveryCodes, once};
use super::waiting_room::device_of;
use crate::app::Auth;
use crate::domain::attempts::Origin;
use crate::domain::enrolment::Typed;

/// Whoever holds a code that their school has printed for an authenticator.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// Login; case does not matter.
    #[garde(length(chars, min = 1, max = 100), custom(shared::http::line))]
    #[schema(example = "camille.martin")]
    login: String,
    /// The code on the sheet; case, blanks and dashes do not matter.
    #[garde(length(chars, min = 1, max = 40), custom(shared::http::line))]
    #[schema(example = "7KQ2-M0XA-9TRC")]
    code: String,
}

/// The same, with the code that proves that they hold what was offered.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentConfirmation {
    /// Login; case does not matter.
    #[garde(length(chars, min = 1, max = 100), custom(shared::http::line))]
    #[schema(example = "camille.martin")]
    login: String,
    /// The code on the sheet, which is used up.
    #[garde(length(chars, min = 1, max = 40), custom(shared::http::line))]
    #[schema(example = "7KQ2-M0XA-9TRC")]
    code: String,
    /// Current code of the authenticator that was offered.
    #[garde(length(bytes, equal = 6), ascii)]
    #[schema(example = "287082")]
    totp_code: String,
}

/// Get the secret of an authenticator with the code that your school has printed for it.
#[utoipa::path(
    tag = "authenticators",
    request_body = Enrolment,
    responses(
        (status = 201, body = Offered),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body, idempotency_key_not_taken"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "code_wrong"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "foreign_origin"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "too_many_attempts, rate_limited"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[post("/auth/v1/enrolments")]
pub async fn offer(
    context: Context,
    auth: Data<Auth>,
    _: Keyless,
    ClientAddress(address): ClientAddress,
    request: HttpRequest,
    Body(typed): Body<Enrolment>,
) -> Result<HttpResponse, Problem> {
    let device = device_of(&request, &auth);
    let origin = Origin::new(device.as_ref(), address);
    let typed = Typed { login: typed.login, code: typed.code };
    Ok(once(&Offered::from(auth.authenticators().offer_by_code(&context, origin, &typed).await?)))
}

/// Prove that you hold that authenticator. Uses up the printed code, and ends all sessions of the account.
#[utoipa::path(
    tag = "authenticators",
    request_body = EnrolmentConfirmation,
    responses(
        (status = 201, body = RecoveryCodes),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body, idempotency_key_not_taken"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "code_wrong, totp_wrong"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "foreign_origin"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "nothing_offered"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "too_many_attempts, rate_limited"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable")
    )
)]
#[post("/auth/v1/enrolments/confirmation")]
pub async fn confirm(
    context: Context,
    auth: Data<Auth>,
    _: Keyless,
    ClientAddress(address): ClientAddress,
    request: HttpRequest,
    Body(sent): Body<EnrolmentConfirmation>,
) -> Result<HttpResponse, Problem> {
    let device = device_of(&request, &auth);
    let origin = Origin::new(device.as_ref(), address);
    let (typed, code) = (Typed { login: sent.login, code: sent.code }, sent.totp_code);
    let recovery_codes = auth.authenticators().confirm_by_code(&context, origin, &typed, &code).await?;
    Ok(once(&RecoveryCodes { recovery_codes }))
}
