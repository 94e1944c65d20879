//! Settles everything that can go wrong in courses, and the problem that each of it is to whoever asked.

use actix_web::http::StatusCode;
use shared::cache::LoadFailed;
use shared::http::{Failure, Problem};
use shared::{idempotency, pg};

/// A failure of an act of courses.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such course, or the caller may not know of it.
    #[error("no such course for this caller")]
    CourseNotFound,
    /// The caller may see the course and is not its teacher.
    #[error("only the teacher of a course gives homework")]
    NotTheTeacher,
    /// The due date lies in the past or more than a year ahead.
    #[error("the due date is out of range")]
    DueDateOutOfRange,
    /// The act's key was used otherwise, or is in use.
    #[error(transparent)]
    Idempotency(#[from] idempotency::Error),
    /// PostgreSQL.
    #[error("database: {0}")]
    Database(#[from] pg::Error),
    /// Nothing is kept that is young enough, and it cannot be read anew.
    #[error(transparent)]
    NotReadable(#[from] LoadFailed),
}

impl Failure for Error {
    fn retryable(&self) -> bool {
        match self {
            Self::Database(error) => error.retryable(),
            Self::Idempotency(error) => error.retryable(),
            Self::NotReadable(error) => error.retryable(),
            Self::CourseNotFound | Self::NotTheTeacher | Self::DueDateOutOfRange => false,
        }
    }

    fn problem(&self) -> Problem {
        match self {
            Self::CourseNotFound => {
                Problem::new(StatusCode::NOT_FOUND, "course_not_found", "There is no such course for you.")
            }
            Self::NotTheTeacher => Problem::new(
                StatusCode::FORBIDDEN,
                "not_allowed",
                "Only the teacher of this course gives homework in it.",
            ),
            Self::DueDateOutOfRange => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "due_date_out_of_range",
                "due_on must be today or later, and within a year.",
            ),
            Self::Idempotency(error) => error.problem(),
            Self::Database(pg::Error::Deadline) => Problem::deadline_exceeded(),
            Self::Database(error) if error.retryable() => {
                Problem::unavailable("database_unavailable", "Courses cannot be read right now: try again.")
                    .because(error)
            }
            Self::NotReadable(error) if error.retryable() => {
                Problem::unavailable("database_unavailable", "Courses cannot be read right now: try again.")
                    .because(error)
            }
            Self::Database(_) | Self::NotReadable(_) => Problem::internal(),
        }
    }
}
