//! Settles what can go wrong with incidents, and the problem that each of it is.

use actix_web::http::StatusCode;
use shared::http::Problem;
use shared::{evidence, siblings};

/// A failure of an act of an incident.
#[derive(Debug, thiserror::Error)]
pub enum IncidentError {
    /// There is none, or it is not of the asker's school alone.
    #[error("no such incident")]
    NotFound,
    /// It is closed, and nothing is added to it any more.
    #[error("the incident is closed")]
    Closed,
    /// What is asked for makes no sense.
    #[error("{0}")]
    Bad(&'static str),
    /// A person has no role in the incident's school.
    #[error("an account is not of this school")]
    NotOfSchool,
    /// auth did not say what it keeps.
    #[error("auth: {0}")]
    NoAuth(#[from] siblings::Error),
    /// Something is missing, and gaps are not allowed.
    #[error("missing: {0}; --allow-gaps exports what there is, and the bundle says what is missing")]
    Missing(String),
    /// auth's log has no checkpoint yet that covers what was done there.
    #[error("auth has not signed yet what was done there; try again in some seconds, or --allow-gaps")]
    NotCovered,
    /// The configuration names no two readers.
    #[error(
        "own.evidence.reader_key_files names nobody who could open the messages: see `cargo ent evidence keys`"
    )]
    NoReaders,
    /// A text could not be sealed.
    #[error(transparent)]
    NotSealed(#[from] evidence::NotSealed),
    /// The file of the bundle.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
}

impl IncidentError {
    /// Whether the same may succeed later without any change to it.
    pub fn retryable(&self) -> bool {
        match self {
            Self::NoAuth(error) => error.retryable(),
            Self::NotCovered | Self::Missing(_) => true,
            Self::NotFound
            | Self::Closed
            | Self::Bad(_)
            | Self::NotOfSchool
            | Self::NoReaders
            | Self::NotSealed(_)
            | Self::File(..) => false,
        }
    }

    /// What it is to whoever asked.
    pub fn problem(&self) -> Problem {
        match self {
            Self::NotFound => {
                let detail = "This school has no incident of its own with this id.";
                Problem::new(StatusCode::NOT_FOUND, "incident_not_found", detail)
            }
            Self::Closed => {
                let detail = "This incident is closed: open another one, and name this one in a note.";
                Problem::new(StatusCode::CONFLICT, "incident_closed", detail)
            }
            Self::Bad(fault) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", *fault),
            Self::NotOfSchool => {
                let detail = "An account that you name has no role in this school.";
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "account_not_of_school", detail)
            }
            Self::NoAuth(_) | Self::NotCovered | Self::Missing(_) => {
                Problem::unavailable("auth_unavailable", "Sign-ins cannot be read right now: try again.")
            }
            Self::NoReaders | Self::NotSealed(_) | Self::File(..) => Problem::internal(),
        }
    }
}
