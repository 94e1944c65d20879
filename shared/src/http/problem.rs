//! Settles the shape of every error answer: an RFC 9457 problem with a stable `code`, and a jittered `Retry-After` where retrying helps.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use rand::Rng;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::attribution::Cause;
use crate::ids;

/// Problem types are `urn:problem-type:ent:<code>`; programs compare `code`.
const TYPE_PREFIX: &str = "urn:problem-type:ent:";

/// The body of an error answer (`application/problem+json`).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// URI of the kind of problem.
    #[schema(example = "urn:problem-type:ent:not_found")]
    pub r#type: String,
    /// The kind of problem in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened and what to do, for people.
    pub detail: String,
    /// Stable name for programs.
    #[schema(example = "not_found")]
    pub code: String,
    /// What some kinds of problem say besides.
    #[serde(flatten)]
    #[schema(ignore)]
    pub extensions: Map<String, Value>,
}

/// An error answer being made.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after_s: Option<u32>,
    cause: Option<Cause>,
    extensions: Map<String, Value>,
}

/// What the canonical log line and the counts say of the problem.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub code: &'static str,
    pub cause: Option<Cause>,
}

/// What is said of an answer that is a problem.
pub(super) fn mark_of<B>(response: &HttpResponse<B>) -> Option<Mark> {
    response.extensions().get::<Mark>().copied()
}

impl Problem {
    /// A problem; `detail` goes to people outside and says what to do, never what is inside.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after_s: None, cause: None, extensions: Map::new() }
    }

    /// Says after how many seconds a retry has a chance; spread by up to half, so that the refused do not come back as one.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(retry_after(seconds));
        self
    }

    /// The same for a moment that is known: at that or up to `spread_s` later.
    #[must_use]
    pub fn retry_after_within(mut self, seconds: u32, spread_s: u32) -> Self {
        self.retry_after_s = Some(seconds.saturating_add(ids::random().random_range(0..=spread_s)));
        self
    }

    /// Says why the request was refused, so that the edge counts it.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds an extension member (RFC 9457, section 3.2), for programs.
    #[must_use]
    pub fn with(mut self, name: &str, value: &impl Serialize) -> Self {
        self.extensions.insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// A dependency does not answer: the same request may succeed soon.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(2)
    }

    /// The time for the request is over before the work for it began, or before the next step of it: nothing was done
    /// half. 503 and not 504, so that it reads like every other refusal that another try may get past.
    pub fn deadline_exceeded() -> Self {
        Self::unavailable(
            "deadline_exceeded",
            "The time for this request was over before it could be served: try again.",
        )
        .because(Cause::Deadline)
    }

    /// The act asks for a one-time code of the last moments.
    pub fn step_up_required() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "step_up_required",
            "Prove again who you are, with the current code of your authenticator.",
        )
    }

    /// A fault of ours; what it was stays in the log.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Something went wrong on our side; it has been logged.",
        )
    }

    /// What it says, for an answer that tells what another request would be answered with.
    pub fn body(&self) -> ProblemBody {
        ProblemBody {
            r#type: format!("{TYPE_PREFIX}{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.to_owned(),
            extensions: self.extensions.clone(),
        }
    }

    /// The answer itself.
    pub fn response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CACHE_CONTROL, "no-store")).content_type("application/problem+json");
        if let Some(seconds) = self.retry_after_s {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        let mut response = response.body(serde_json::to_string(&self.body()).unwrap_or_default());
        response.extensions_mut().insert(Mark { code: self.code, cause: self.cause });
        response
    }
}

/// `seconds` plus up to half of it more, at random.
pub fn retry_after(seconds: u32) -> u32 {
    seconds + ids::random().random_range(0..=seconds.div_ceil(2))
}

/// A service's own error, which knows what it is to whoever asked.
pub trait Failure: std::error::Error {
    /// The answer.
    fn problem(&self) -> Problem;
    /// Whether the same request may succeed later without any change to it.
    fn retryable(&self) -> bool;
}

/// The boundary where a failure is logged, once, and becomes an answer.
impl<F: Failure> From<F> for Problem {
    fn from(failure: F) -> Self {
        let problem = failure.problem();
        if problem.status.is_server_error() {
            tracing::warn!(error = %failure, retryable = failure.retryable(), "a request failed");
        }
        problem
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl actix_web::ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;

    #[actix_web::test]
    async fn the_wire_carries_the_stable_code_and_the_media_type() {
        let response = Problem::unavailable("database_unavailable", "Try again.").response();
        assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), "application/problem+json");
        let seconds: u32 =
            response.headers().get(header::RETRY_AFTER).unwrap().to_str().unwrap().parse().unwrap();
        assert!((2..=3).contains(&seconds));
        let body: serde_json::Value =
            serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap();
        assert_eq!(body["type"], "urn:problem-type:ent:database_unavailable");
        assert_eq!(body["code"], "database_unavailable");
        assert_eq!(body["status"], 503);
    }
}
