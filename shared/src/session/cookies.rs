//! Settles the two cookies of a browser session: one for every request, one that only the refresh routes ever see.

use std::time::Duration;

use actix_web::cookie::{Cookie, SameSite, time};

/// Carries the access token. `__Host-` makes the browser insist on Secure, Path=/ and no Domain.
pub const ACCESS_COOKIE: &str = "__Host-ent_at";
/// Carries the refresh handle.
pub const REFRESH_COOKIE: &str = "ent_rt";
/// The only routes that the refresh handle is sent to.
const REFRESH_PATH: &str = "/auth/v1/sessions";

/// The access token's cookie. Lax: a link from elsewhere opens the ENT signed in, a form from elsewhere does not.
pub fn access_cookie(token: String, lifetime: Duration) -> Cookie<'static> {
    build(ACCESS_COOKIE, token, "/", SameSite::Lax, lifetime)
}

/// The refresh handle's cookie.
pub fn refresh_cookie(handle: String, lifetime: Duration) -> Cookie<'static> {
    build(REFRESH_COOKIE, handle, REFRESH_PATH, SameSite::Strict, lifetime)
}

/// Makes the browser forget both.
pub fn removal_cookies() -> [Cookie<'static>; 2] {
    [access_cookie(String::new(), Duration::ZERO), refresh_cookie(String::new(), Duration::ZERO)]
}

fn build(
    name: &'static str,
    value: String,
    path: &'static str,
    same_site: SameSite,
    lifetime: Duration,
) -> Cookie<'static> {
    let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
    Cookie::build(name, value)
        .path(path)
        .secure(true)
        .http_only(true)
        .same_site(same_site)
        .max_age(time::Duration::seconds(seconds))
        .finish()
}
