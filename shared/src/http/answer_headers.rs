//! Settles which headers every answer carries, so that a browser does with it what this backend means and nothing else.
//!
//! The list is OWASP's for REST services (REST Security Cheat Sheet, Secure Headers Project). `Strict-Transport-Security` is
//! not here: only the front door speaks TLS and knows under which name, and it is a promise for the whole host.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Answers are data: a browser that shows one as a page loads and runs nothing.
const CONTENT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// Swagger UI is a page: its own scripts, its own pictures, and the styles that it writes into itself.
const DOCS_CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";
/// No page of this backend needs a device.
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()";

/// Adds what the route has not set itself.
pub(super) fn add(headers: &mut HeaderMap, is_docs: bool) {
    let mut set_default = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    set_default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set_default(header::X_FRAME_OPTIONS, "DENY");
    set_default(header::REFERRER_POLICY, "no-referrer");
    set_default(header::CONTENT_SECURITY_POLICY, if is_docs { DOCS_CONTENT_POLICY } else { CONTENT_POLICY });
    set_default(HeaderName::from_static("permissions-policy"), PERMISSIONS);
    // A page of another site can neither keep a handle on a window that shows an answer nor embed the answer.
    set_default(header::CROSS_ORIGIN_OPENER_POLICY, "same-origin");
    set_default(header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin");
    // Answers are about the person who asked: nobody in between may keep them, unless a route says otherwise.
    set_default(header::CACHE_CONTROL, "no-store");
}
