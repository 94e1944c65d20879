//! Settles the fingerprint of an upload: the digest that the client declares for it, so that it need not be read to be recognised.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Claim;
use super::claim::Scope;
use crate::http::Problem;

/// The claim of an upload. The handler that stores what arrives compares it with the declared digest: here it is believed.
#[derive(Debug)]
pub struct KeyedUpload(pub Option<Claim>);

impl FromRequest for KeyedUpload {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let claim =
            |scope: Scope| Ok(scope.claim(declared_sha256(request.headers()).ok_or_else(undeclared)?));
        ready(Scope::of(request).and_then(|scope| scope.map(claim).transpose()).map(Self))
    }
}

/// The SHA-256 of `Content-Digest` or `Repr-Digest` (RFC 9530): `sha-256=:base64:`, among others.
fn declared_sha256(headers: &HeaderMap) -> Option<[u8; 32]> {
    let values = ["content-digest", "repr-digest"].into_iter().flat_map(|name| headers.get_all(name));
    let mut members = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    members.find_map(|member| {
        let encoded = member.trim().strip_prefix("sha-256=:")?.strip_suffix(':')?;
        STANDARD.decode(encoded).ok()?.try_into().ok()
    })
}

fn undeclared() -> Problem {
    let detail = "An upload with an Idempotency-Key declares its digest: Content-Digest: sha-256=:base64:";
    Problem::new(StatusCode::BAD_REQUEST, "content_digest_missing", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn declared(name: &'static str, value: &'static str) -> Option<[u8; 32]> {
        let pair = (HeaderName::from_static(name), HeaderValue::from_static(value));
        declared_sha256(&[pair].into_iter().collect())
    }

    #[test]
    fn the_declared_sha_256_is_found_among_others_and_nothing_else_is_taken_for_it() {
        let value = "md5=:AAAA:, sha-256=:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=:";
        assert_eq!(declared("content-digest", value), Some([1; 32]));
        assert_eq!(declared("repr-digest", value), Some([1; 32]));
        for bad in [
            "sha-256=:AQE=:",
            "sha-512=:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=:",
            "sha-256=rubbish",
            "",
        ] {
            assert_eq!(declared("content-digest", bad), None, "{bad}");
        }
        assert_eq!(declared("digest", value), None);
    }
}
