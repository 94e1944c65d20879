//! Settles what a key looks like on the wire, and how routes that must not take one say so.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use utoipa::IntoParams;

use crate::http::Problem;

/// The header of the request.
pub(super) const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of an answer that was given before.
pub(super) const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotency-replayed");
const LONGEST_KEY: usize = 128;

/// For API descriptions of routes that take a key.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyKeyHeader {
    /// A name for this act, new for each act, such as a UUID: 1 to 128 visible ASCII characters. For 24 hours the same
    /// request under the same key gets the same answer, with `Idempotency-Replayed: true`, and nothing happens twice.
    #[param(rename = "Idempotency-Key", max_length = 128)]
    pub idempotency_key: Option<String>,
}

/// The key of a request, if it has one.
pub(super) fn read(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(HEADER);
    let Some(first) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed());
    }
    parse(first).map(Some).ok_or_else(malformed)
}

/// The draft writes the key as a quoted string (RFC 9651, 3.3.3); without quotes it is the same key.
fn parse(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let is_visible = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    ((1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(is_visible)).then(|| key.to_owned())
}

fn malformed() -> Problem {
    let detail = "Idempotency-Key must be sent once, with 1 to 128 visible ASCII characters.";
    Problem::new(StatusCode::BAD_REQUEST, "malformed_idempotency_key", detail)
}

/// A route that refuses keys: what it answers must not be stored.
#[derive(Debug, Clone, Copy)]
pub struct Keyless;

impl FromRequest for Keyless {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(if request.headers().contains_key(HEADER) { Err(not_taken()) } else { Ok(Self) })
    }
}

fn not_taken() -> Problem {
    let detail =
        "This route takes no Idempotency-Key, because its answer is never stored: leave the header out.";
    Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_not_taken", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[&str]) -> Result<Option<String>, String> {
        let pairs = values.iter().map(|value| (HEADER, HeaderValue::from_str(value).unwrap()));
        read(&pairs.collect()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_key_is_visible_ascii_quoted_or_not() {
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&["8e03978e-40d5"]), Ok(Some("8e03978e-40d5".to_owned())));
        assert_eq!(key(&["\"8e03978e-40d5\""]), key(&["8e03978e-40d5"]));
        assert!(key(&[&"k".repeat(128)]).is_ok());
        for bad in ["", "\"\"", "two words", "\"open", "back\\slash", &"k".repeat(129)] {
            assert!(key(&[bad]).unwrap_err().starts_with("malformed_idempotency_key"), "{bad:?}");
        }
        assert!(key(&["a", "b"]).is_err(), "two headers name no one key");
    }
}
