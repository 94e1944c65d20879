//! Settles how sessions are opened, refreshed and ended over HTTP: bodies in, cookies out.

use actix_web::cookie::Cookie;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, delete, post};
use garde::Validate;
use serde::{Deserialize, Serialize};
use shared::attribution::CallerClass;
use shared::context::Context;
use shared::http::{Body, ClientAddress, Problem, ProblemBody, count_as};
use shared::idempotency::Keyless;
use shared::session::{REFRESH_COOKIE, access_cookie, refresh_cookie, removal_cookies};
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::waiting_room::{self, Door};
use crate::app::Auth;
use crate::domain::attempts::Origin;
use crate::domain::authenticators::SecondFactor;
use crate::domain::browser;
use crate::domain::device::Device;
use crate::domain::security_event::Seen;
use crate::domain::session_tokens::Granted;
use crate::domain::sign_in::Credentials;
use crate::domain::waiting_room::{Ticket, WaitingRoom};
use crate::error::Error;
use crate::store::account::Account;

/// What a person types to sign in.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    /// Login; case does not matter.
    #[garde(length(chars, min = 1, max = 100), custom(shared::http::line))]
    #[schema(example = "camille.martin")]
    login: String,
    /// Password, exactly.
    #[garde(length(bytes, min = 1, max = 256))]
    #[schema(format = Password)]
    password: String,
    /// Current code of the authenticator, for accounts that have one.
    #[garde(inner(length(bytes, equal = 6), ascii))]
    #[schema(example = "287082")]
    totp_code: Option<String>,
    /// One of the recovery codes, in place of `totp_code`; case, blanks and dashes do not matter.
    #[garde(inner(length(chars, min = 1, max = 40), custom(shared::http::line)))]
    #[schema(example = "7KQ2-M0XA-9TRC")]
    recovery_code: Option<String>,
}

/// A new session. The tokens are in cookies that pages cannot read.
#[derive(Serialize, ToSchema)]
pub struct Session {
    person: Person,
    memberships: Vec<SchoolRole>,
    /// Seconds after which the access token must be refreshed.
    expires_in_s: u64,
}

/// Who has signed in.
#[derive(Serialize, ToSchema)]
pub struct Person {
    id: Uuid,
    given_name: String,
    family_name: String,
}

/// A role in a school.
#[derive(Serialize, ToSchema)]
pub struct SchoolRole {
    school_id: Uuid,
    role: &'static str,
}

/// A refreshed session.
#[derive(Serialize, ToSchema)]
pub struct Refreshed {
    /// Seconds after which the access token must be refreshed again.
    expires_in_s: u64,
}

/// Sign in.
#[utoipa::path(
    tag = "sessions",
    request_body = NewSession,
    responses(
        (status = 201, body = Session, description = "Signed in; sets `__Host-ent_at` and `ent_rt`"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json",
            description = "malformed_body, idempotency_key_not_taken"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json",
            description = "invalid_credentials, totp_required, totp_wrong, totp_code_used, recovery_code_wrong"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "foreign_origin, password_reset_required, enrolment_required, sign_in_closed (with a member `until`, and `Retry-After`)"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "ticket_used"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "invalid_body"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json",
            description = "too_many_attempts, rate_limited"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "waiting_room (with a member `place`: come back with its ticket), sign_in_busy, \
                           database_unavailable, session_store_unavailable")
    )
)]
#[post("/auth/v1/sessions")]
pub async fn sign_in(
    context: Context,
    auth: Data<Auth>,
    _: Keyless,
    door: Door,
    ClientAddress(address): ClientAddress,
    request: HttpRequest,
    Body(new): Body<NewSession>,
) -> Result<HttpResponse, Problem> {
    let second_factor = match (new.totp_code, new.recovery_code) {
        (None, None) => None,
        (Some(code), None) => Some(SecondFactor::Totp(code)),
        (None, Some(code)) => Some(SecondFactor::Recovery(code)),
        (Some(_), Some(_)) => return Err(Error::NoProof.into()),
    };
    let (password, browser) = (Zeroizing::new(new.password), browser_of(&request));
    let Door { inside, device } = door;
    let next = device.clone().unwrap_or_else(|| Device::new(&**context.clock()));
    let typed = Credentials { login: new.login, password, second_factor, browser, device_id: Some(next.id) };
    let ticket = inside.ticket;
    let origin = Origin::new(device.as_ref(), address);
    let attempt = auth.sign_in().attempt(&context, inside, origin, typed).await;
    let (account, granted) = match attempt {
        Ok(signed_in) => signed_in,
        Err(error) => return Ok(refusal(error, ticket, auth.waiting_room())),
    };
    let device = auth.remember(&context, next, &account);
    let mut response = HttpResponse::Created();
    waiting_room::add_device(&mut response, device);
    let body = Session::new(account, &granted);
    let mut response = with_cookies(response, granted).json(body);
    if ticket.is_some() {
        waiting_room::remove_ticket(&mut response);
    }
    Ok(response)
}

/// Whoever waited for their turn and mistyped keeps it for another try, and so does whoever met a fault of ours. Of a ticket that is
/// used up nothing is left in the browser: its next request gets a new place.
fn refusal(error: Error, ticket: Option<Ticket>, room: &WaitingRoom) -> HttpResponse {
    let next = ticket.filter(|_| error.leaves_the_turn()).and_then(Ticket::next_try);
    let mut response = Problem::from(error).response();
    match next {
        Some(next) => waiting_room::add_ticket(&mut response, &room.seal(&next)),
        None if ticket.is_some() => waiting_room::remove_ticket(&mut response),
        None => {}
    }
    response
}

/// Exchange the refresh handle for a new access token.
#[utoipa::path(
    tag = "sessions",
    responses(
        (status = 200, body = Refreshed, description = "Refreshed; sets both cookies anew"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json",
            description = "idempotency_key_not_taken"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "session_over"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "foreign_origin"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "database_unavailable: the cookies stay good")
    )
)]
#[post("/auth/v1/sessions/refresh")]
pub async fn refresh(
    context: Context,
    auth: Data<Auth>,
    _: Keyless,
    ClientAddress(address): ClientAddress,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let handle = request.cookie(REFRESH_COOKIE).ok_or(Error::SessionOver)?;
    if auth.sessions().is_genuine(handle.value()) {
        count_as(&request, CallerClass::Session);
    }
    let seen = Seen { address, browser: &browser_of(&request) };
    let granted = auth.sessions().refresh(&context, handle.value(), seen).await?;
    let body = Refreshed::new(&granted);
    Ok(with_cookies(HttpResponse::Ok(), granted).json(body))
}

/// End the session of this browser. Ending one that is over is no error.
#[utoipa::path(
    tag = "sessions",
    responses(
        (status = 204, description = "Signed out; removes both cookies"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "foreign_origin"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "database_unavailable: you are still signed in")
    )
)]
#[delete("/auth/v1/sessions/current")]
pub async fn sign_out(
    context: Context,
    auth: Data<Auth>,
    ClientAddress(address): ClientAddress,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    if let Some(handle) = request.cookie(REFRESH_COOKIE) {
        let seen = Seen { address, browser: &browser_of(&request) };
        auth.sessions().end(&context, handle.value(), seen).await?;
    }
    let mut response = HttpResponse::NoContent();
    for cookie in removal_cookies() {
        response.cookie(cookie);
    }
    Ok(response.finish())
}

impl Refreshed {
    pub(super) fn new(granted: &Granted) -> Self {
        Self { expires_in_s: granted.expires_in.as_secs() }
    }
}

impl Session {
    fn new(account: Account, granted: &Granted) -> Self {
        let role = |membership: &shared::session::Membership| SchoolRole {
            school_id: membership.school,
            role: membership.role.name(),
        };
        Self {
            person: Person {
                id: account.person_id,
                given_name: account.given_name,
                family_name: account.family_name,
            },
            memberships: account.memberships.iter().map(role).collect(),
            expires_in_s: granted.expires_in.as_secs(),
        }
    }
}

pub(super) fn browser_of(request: &HttpRequest) -> String {
    let header = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    header.map_or_else(|| "?".to_owned(), browser::label)
}

/// Both cookies live as long as the session may: an expired access token then says so, and asks for a refresh.
pub(super) fn with_cookies(mut response: HttpResponseBuilder, granted: Granted) -> HttpResponseBuilder {
    let cookies: [Cookie<'static>; 2] = [
        access_cookie(granted.access_token, granted.ends_in),
        refresh_cookie(granted.refresh_handle, granted.ends_in),
    ];
    for cookie in cookies {
        response.cookie(cookie);
    }
    response
}
