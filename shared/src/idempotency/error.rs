//! Settles what can go wrong with a key, and the problem that each of it is to whoever sent it.

use actix_web::http::StatusCode;

use crate::http::{Failure, Problem};
use crate::pg;

/// Why an act did not take place under its key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key names another request.
    #[error("the key was used for another request")]
    Reused,
    /// The same request is being worked on, and was not finished while this one could wait.
    #[error("a request with this key is in progress")]
    InProgress,
    /// The answer is larger than what is stored; the act is rolled back with it. A bug of the route.
    #[error("the answer of {0} bytes is too large to be stored")]
    TooLarge(usize),
    /// An act was committed without its answer, or finished twice: a bug of the route.
    #[error("the key has no answer, or has one already")]
    Unfinished,
    /// PostgreSQL.
    #[error("database: {0}")]
    Database(#[from] pg::Error),
}

impl Failure for Error {
    fn retryable(&self) -> bool {
        match self {
            Self::InProgress => true,
            Self::Database(error) => error.retryable(),
            Self::Reused | Self::TooLarge(_) | Self::Unfinished => false,
        }
    }

    fn problem(&self) -> Problem {
        match self {
            Self::Reused => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request: take a new key for a new act.",
            ),
            Self::InProgress => Problem::new(
                StatusCode::CONFLICT,
                "request_in_progress",
                "The same request is being worked on: ask again for its answer.",
            )
            .retry_after(1),
            Self::Database(pg::Error::Deadline) => Problem::deadline_exceeded(),
            Self::Database(error) if error.retryable() => {
                Problem::unavailable("database_unavailable", "This cannot be stored right now: try again.")
                    .because(error)
            }
            Self::TooLarge(_) | Self::Unfinished | Self::Database(_) => Problem::internal(),
        }
    }
}
