//! Settles which pages may change anything: unsafe methods need the exact Origin of this ENT, or the browser's word that it is same-origin.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use url::Url;

use super::Problem;

/// The origins of this installation. Cloning shares them.
#[derive(Debug, Clone)]
pub struct OriginPolicy(Arc<[String]>);

impl OriginPolicy {
    /// From the configuration.
    pub fn new(origins: &[String]) -> Self {
        Self(origins.into())
    }

    /// Lets safe methods pass; others need `Origin` equal to one of ours, or `Sec-Fetch-Site: same-origin` without any `Origin`.
    pub fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
        if [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) {
            return Ok(());
        }
        let is_own = |origin: &HeaderValue| self.0.iter().any(|own| own.as_bytes() == origin.as_bytes());
        let is_ours = if headers.contains_key(header::ORIGIN) {
            headers.get_all(header::ORIGIN).all(is_own)
        } else {
            headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin")
        };
        if is_ours {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "foreign_origin",
            "This request changes something and does not come from a page of this ENT: send its exact Origin.",
        ))
    }
}

/// For garde: `https://host[:port]`, nothing behind it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that garde calls")]
pub(super) fn is_origin(value: &str, (): &()) -> garde::Result {
    let is_exact = Url::parse(value).is_ok_and(|url| url.origin().ascii_serialization() == value);
    if is_exact && value.starts_with("http") {
        return Ok(());
    }
    Err(garde::Error::new("must be an origin, such as https://ent.example or https://localhost:8443"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderName;

    fn check(method: &Method, pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        OriginPolicy::new(&["https://ent.example".to_owned()]).check(method, &headers).is_ok()
    }

    #[test]
    fn unsafe_methods_need_our_origin_or_the_browsers_word() {
        assert!(check(&Method::GET, &[]));
        assert!(check(&Method::POST, &[("origin", "https://ent.example")]));
        assert!(check(&Method::DELETE, &[("sec-fetch-site", "same-origin")]));
        for refused in [
            vec![],
            vec![("origin", "https://ent.example.evil.example")],
            vec![("origin", "http://ent.example")],
            vec![("origin", "null")],
            vec![("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            vec![("origin", "https://ent.example"), ("origin", "https://evil.example")],
            vec![("sec-fetch-site", "same-site")],
            vec![("sec-fetch-site", "none")],
        ] {
            assert!(!check(&Method::POST, &refused), "{refused:?}");
        }
    }

    #[test]
    fn an_origin_in_the_configuration_is_exact() {
        assert!(is_origin("https://localhost:8443", &()).is_ok());
        for bad in
            ["https://localhost:8443/", "localhost", "https://a.example/path", "https://a.example:443", "*"]
        {
            assert!(is_origin(bad, &()).is_err(), "{bad}");
        }
    }
}
