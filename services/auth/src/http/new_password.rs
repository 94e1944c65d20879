//! Settles how codes are printed and passwords set over HTTP.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};
use garde::Validate;
use serde::{Deserialize, Serialize};
use shared::context::Context;
use shared::http::{Authority, Body, Caller, ClientAddress, Problem, ProblemBody};
use shared::idempotency::Keyless;
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::waiting_room::Door;
use crate::app::Auth;
use crate::domain::attempts::Origin;
use crate::domain::authenticators::SecondFactor;
use crate::domain::codes::Purpose;
use crate::domain::new_password::Typed;
use crate::domain::sign_in::Credentials;
use crate::error::Error;

/// What a code is to be printed for.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCode {
    /// The first password, another, or an authenticator.
    #[garde(skip)]
    purpose: Purpose,
    /// Who demanded it.
    #[garde(dive)]
    authority: Authority,
}

/// A code for the sheet. It is said once and kept nowhere.
#[derive(Serialize, ToSchema)]
pub struct PrintedCode {
    #[schema(example = "7KQ2-M0XA-9TRC")]
    code: String,
    /// When it is good no more.
    expires_at: chrono::DateTime<chrono::Utc>,
}

/// Print a code for somebody of your school. Codes before it, for the same purpose, are good no more.
#[utoipa::path(
    tag = "passwords",
    params(("person_id" = Uuid, Path, description = "The person")),
    request_body = NewCode,
    responses(
        (status = 201, body = PrintedCode),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body, idempotency_key_not_taken"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "sign_in_required, session_revoked"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not_allowed, step_up_required, administrator_account, foreign_origin"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "account_not_found"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "database_unavailable, revocation_lag, session_degraded")
    )
)]
#[post("/auth/v1/people/{person_id}/codes")]
pub async fn issue(
    context: Context,
    caller: Caller,
    auth: Data<Auth>,
    _: Keyless,
    person_id: Path<Uuid>,
    Body(new): Body<NewCode>,
) -> Result<HttpResponse, Problem> {
    let authority = new.authority.into_text();
    let issued = auth.new_passwords().issue(&context, &caller, *person_id, new.purpose, authority).await?;
    let mut response = HttpResponse::Created();
    response.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
    Ok(response.json(PrintedCode { code: issued.code, expires_at: issued.expires_at }))
}

/// What a person types who has got a code.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// Login; case does not matter.
    #[garde(length(chars, min = 1, max = 100), custom(shared::http::line))]
    #[schema(example = "camille.martin")]
    login: String,
    /// The code on the sheet; case, blanks and dashes do not matter.
    #[garde(length(chars, min = 1, max = 40), custom(shared::http::line))]
    #[schema(example = "7KQ2-M0XA-9TRC")]
    code: String,
    /// The password to set.
    #[garde(length(bytes, min = 1, max = 256))]
    #[schema(format = Password)]
    new_password: String,
}

/// Open an account with the code that its school has printed, and set its first password.
#[utoipa::path(
    tag = "passwords",
    request_body = Activation,
    responses(
        (status = 204, description = "Set: sign in with it"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body, idempotency_key_not_taken"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "code_wrong"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "foreign_origin"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body, password_too_short, password_known"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "too_many_attempts, rate_limited"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "waiting_room, sign_in_busy, database_unavailable")
    )
)]
#[post("/auth/v1/activations")]
pub async fn activate(
    context: Context,
    auth: Data<Auth>,
    _: Keyless,
    door: Door,
    ClientAddress(address): ClientAddress,
    Body(new): Body<Activation>,
) -> Result<HttpResponse, Problem> {
    let origin = Origin::new(door.device.as_ref(), address);
    let typed = Typed { login: new.login, code: new.code, password: Zeroizing::new(new.new_password) };
    auth.new_passwords().redeem(&context, door.inside, origin, Purpose::Activation, typed).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What a person types whose password is to be another: the code on the sheet, or the old password and a one-time code.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// Login; case does not matter.
    #[garde(length(chars, min = 1, max = 100), custom(shared::http::line))]
    #[schema(example = "camille.martin")]
    login: String,
    /// The code on the sheet; case, blanks and dashes do not matter.
    #[garde(inner(length(chars, min = 1, max = 40), custom(shared::http::line)))]
    #[schema(example = "7KQ2-M0XA-9TRC")]
    code: Option<String>,
    /// The old password, with `totp_code`.
    #[garde(inner(length(bytes, min = 1, max = 256)))]
    #[schema(format = Password)]
    password: Option<String>,
    /// Current code of the authenticator, with `password`.
    #[garde(inner(length(bytes, equal = 6), ascii))]
    #[schema(example = "287082")]
    totp_code: Option<String>,
    /// The password to set.
    #[garde(length(bytes, min = 1, max = 256))]
    #[schema(format = Password)]
    new_password: String,
}

/// Set another password. Ends all sessions of the account.
#[utoipa::path(
    tag = "passwords",
    request_body = PasswordReset,
    responses(
        (status = 204, description = "Set: sign in with it"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "malformed_body, idempotency_key_not_taken"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "code_wrong, invalid_credentials, totp_wrong, totp_code_used"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "foreign_origin, password_reset_required: by a code only"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body, password_too_short, password_known"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "too_many_attempts, rate_limited"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "waiting_room, sign_in_busy, database_unavailable")
    )
)]
#[post("/auth/v1/password-resets")]
pub async fn reset(
    context: Context,
    auth: Data<Auth>,
    _: Keyless,
    door: Door,
    ClientAddress(address): ClientAddress,
    Body(new): Body<PasswordReset>,
) -> Result<HttpResponse, Problem> {
    let origin = Origin::new(door.device.as_ref(), address);
    let PasswordReset { login, code, password: old, totp_code, new_password } = new;
    let (inside, password) = (door.inside, Zeroizing::new(new_password));
    match (code, old, totp_code) {
        (Some(code), None, None) => {
            let typed = Typed { login, code, password };
            auth.new_passwords().redeem(&context, inside, origin, Purpose::Reset, typed).await?;
        }
        (None, Some(old), Some(code)) => {
            let (password_before, second_factor) = (Zeroizing::new(old), Some(SecondFactor::Totp(code)));
            let credentials = Credentials {
                login,
                password: password_before,
                second_factor,
                browser: String::new(),
                device_id: None,
            };
            auth.new_passwords().replace(&context, inside, origin, credentials, &password).await?;
        }
        (Some(_) | None, Some(_) | None, Some(_) | None) => return Err(Error::NoProof.into()),
    }
    Ok(HttpResponse::NoContent().finish())
}
