//! Settles who asks: the person of the access token in the cookie, checked here and now.

use std::ops::Deref;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};

use super::Problem;
use crate::attribution::{CallerClass, Cause};
use crate::session::{ACCESS_COOKIE, Accepted, Claims, Refusal, Seen, Standing, Verifier};

/// A signed-in person. A route that takes one is for signed-in people only.
#[derive(Debug, Clone)]
pub struct Caller(Accepted);

/// The refusal of a sensitive act for now: nobody can be sure, here and now, that the session was not revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sensitive acts are refused: the token's standing is {0:?}")]
pub struct NotSensitive(Standing);

impl Caller {
    /// What the token says, for what outlives the request.
    pub fn claims(&self) -> Arc<Claims> {
        self.0.claims.clone()
    }

    /// Refuses what is sensitive (administration, credentials, restriction, recall, sends to more than 10 people) unless
    /// the token is fully good. Routes that always are sensitive say so on their line: `Access::Sensitive`.
    pub fn may_be_sensitive(&self) -> Result<(), NotSensitive> {
        match self.0.standing {
            Standing::Full => Ok(()),
            standing @ (Standing::Lagging | Standing::Degraded | Standing::Overdue) => {
                Err(NotSensitive(standing))
            }
        }
    }
}

impl NotSensitive {
    /// What people are told.
    pub fn problem(self) -> Problem {
        let (code, detail) = match self.0 {
            Standing::Full | Standing::Lagging => (
                "revocation_lag",
                "This act is held back for a moment, because ended sessions cannot be told for sure now: try again.",
            ),
            Standing::Degraded | Standing::Overdue => (
                "session_degraded",
                "Your session cannot be checked in full now, so this act has to wait; the rest goes on: try again.",
            ),
        };
        Problem::unavailable(code, detail).because(Cause::DependencyDown("auth"))
    }
}

/// What the canonical log line says of the caller: the role, nobody's name.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallerKind(pub(super) &'static str);

impl Deref for Caller {
    type Target = Claims;

    fn deref(&self) -> &Claims {
        &self.0.claims
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let known = request.extensions().get::<Caller>().cloned();
        std::future::ready(known.map_or_else(|| identify(request), Ok))
    }
}

/// Checks the access token; what it says is kept with the request.
pub(super) fn identify(request: &HttpRequest) -> Result<Caller, Problem> {
    let verifier = request.app_data::<web::Data<Verifier>>().ok_or_else(Problem::internal)?;
    let token = access_token(request.headers()).ok_or_else(|| sign_in_required("Sign in first."))?;
    let accepted = verifier.verify(token).map_err(|refusal| match refusal {
        Refusal::Invalid => sign_in_required("The session is not valid: sign in again."),
        Refusal::Expired => sign_in_required("The access token has expired: refresh the session."),
        Refusal::Revoked => Problem::new(
            StatusCode::UNAUTHORIZED,
            "session_revoked",
            "This session, or a role in it, has been ended: refresh it, or sign in again.",
        ),
        Refusal::NoKeys | Refusal::NoRevocations => Problem::unavailable(
            "session_keys_unavailable",
            "Sessions cannot be checked yet, because this service has just started: try again.",
        ),
    })?;
    let kind = accepted.claims.mem.first().map_or("no_role", |membership| membership.role.name());
    let caller = Caller(accepted);
    request.extensions_mut().insert(CallerKind(kind));
    request.extensions_mut().insert(caller.clone());
    Ok(caller)
}

/// Says whose request it is, for counts, where a route knows its callers by something else than access tokens.
pub fn count_as(request: &HttpRequest, class: CallerClass) {
    request.extensions_mut().insert(class);
}

/// Whose request it is, for counts. A token counts that was found genuine here before: no signature is checked, so that a
/// crowd of forged tokens costs nothing.
pub(super) fn class_of(request: &HttpRequest) -> CallerClass {
    if let Some(class) = request.extensions().get::<CallerClass>() {
        return *class;
    }
    let verifier = request.app_data::<web::Data<Verifier>>();
    let seen =
        verifier.zip(access_token(request.headers())).and_then(|(verifier, token)| verifier.seen(token));
    match seen {
        Some(Seen::Valid) => CallerClass::Session,
        Some(Seen::Over) => CallerClass::KnownDevice,
        None => CallerClass::Unknown,
    }
}

/// The cookie's value as it came (RFC 6265, 4.2.1): a token has no character that is ever encoded, so no jar of decoded
/// cookies is made for its sake.
fn access_token(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).map(str::trim);
    pairs.find_map(|pair| pair.strip_prefix(ACCESS_COOKIE)?.strip_prefix('='))
}

fn sign_in_required(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "sign_in_required", detail)
}

impl FromRequest for crate::context::Context {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(request.extensions().get::<Self>().cloned().ok_or_else(Problem::internal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn the_token_is_found_by_its_whole_name_among_other_cookies() {
        for (line, expected) in [
            ("__Host-ent_at=a.b-c_d", Some("a.b-c_d")),
            ("ent_rt=x; __Host-ent_at=a.b; other=y", Some("a.b")),
            ("ent_rt=x;__Host-ent_at=a.b", Some("a.b")),
            ("__Host-ent_at=", Some("")),
            ("__Host-ent_at2=x; x__Host-ent_at=y", None),
            ("ent_at=x; __Host-ent_at", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(header::COOKIE, HeaderValue::from_static(line));
            assert_eq!(access_token(&headers), expected, "{line}");
        }
    }
}
