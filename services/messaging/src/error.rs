//! Settles everything that can go wrong in messaging, and the problem that each of it is to whoever asked.

use actix_web::http::StatusCode;
use shared::http::{Failure, NotSensitive, Problem};
use shared::{idempotency, pg};

use crate::domain::communication_rule::Refusal;

/// A failure of an act of messaging.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thread, or the caller has no part in it.
    #[error("no such thread for this caller")]
    ThreadNotFound,
    /// There is no such group in the caller's schools.
    #[error("no such group")]
    GroupNotFound,
    /// The rules do not let this sender write to this audience.
    #[error("the communication rules refuse: {0:?}")]
    Refused(Refusal),
    /// The audience is empty, or has nobody but the sender.
    #[error("the audience has nobody in it")]
    NoRecipients,
    /// A person named as recipient is not in the school.
    #[error("a recipient is not in the school")]
    UnknownRecipient,
    /// A new thread has no subject.
    #[error("a new thread needs a subject")]
    SubjectMissing,
    /// So many recipients are a sensitive act, and the session cannot be checked in full now.
    #[error(transparent)]
    NotSensitive(#[from] NotSensitive),
    /// The act's key was used otherwise, or is in use.
    #[error(transparent)]
    Idempotency(#[from] idempotency::Error),
    /// PostgreSQL.
    #[error("database: {0}")]
    Database(#[from] pg::Error),
}

impl Failure for Error {
    fn retryable(&self) -> bool {
        match self {
            Self::Database(error) => error.retryable(),
            Self::Idempotency(error) => error.retryable(),
            Self::NotSensitive(_) => true,
            Self::ThreadNotFound
            | Self::GroupNotFound
            | Self::Refused(_)
            | Self::NoRecipients
            | Self::UnknownRecipient
            | Self::SubjectMissing => false,
        }
    }

    fn problem(&self) -> Problem {
        let invalid = |code, detail: &str| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
        match self {
            Self::ThreadNotFound => {
                Problem::new(StatusCode::NOT_FOUND, "thread_not_found", "There is no such thread for you.")
            }
            Self::GroupNotFound => Problem::new(
                StatusCode::NOT_FOUND,
                "group_not_found",
                "There is no such class or group for you.",
            ),
            Self::Refused(refusal) => Problem::new(StatusCode::FORBIDDEN, "not_allowed", refusal.reason()),
            Self::NoRecipients => invalid("no_recipients", "Nobody would receive this message."),
            Self::UnknownRecipient => {
                invalid("unknown_recipient", "A recipient does not belong to this school.")
            }
            Self::SubjectMissing => invalid("subject_missing", "A new thread needs a subject."),
            Self::NotSensitive(refusal) => refusal.problem(),
            Self::Idempotency(error) => error.problem(),
            Self::Database(pg::Error::Deadline) => Problem::deadline_exceeded(),
            Self::Database(error) if error.retryable() => Problem::unavailable(
                "database_unavailable",
                "Messages cannot be reached right now: try again.",
            )
            .because(error),
            Self::Database(_) => Problem::internal(),
        }
    }
}
