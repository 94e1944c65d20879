//! Settles what can go wrong between a service and PostgreSQL, in the words that decide the answer: wait, retry, or a bug.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use crate::context::DeadlinePassed;

/// A failure of the database or of the way to it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Whoever asked is gone.
    #[error("the deadline passed before the database answered")]
    Deadline,
    /// Writes have failed or been slow lately; none is begun for a while.
    #[error("writes are paused for {0:?}: commits have failed or been slow")]
    Open(std::time::Duration),
    /// All connections of this class of work stayed lent.
    #[error("no database connection became free in time")]
    Busy,
    /// The server is down, starting, stopping, read-only or out of reach.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// A statement ran into its time-out and was cancelled.
    #[error("a statement exceeded its time-out")]
    Timeout,
    /// Two transactions were in each other's way; the same act may succeed when repeated.
    #[error("the transaction lost against a concurrent one")]
    Conflict,
    /// The data broke a rule of the schema.
    #[error("constraint {} was violated", .0.name)]
    Constraint(Constraint),
    /// A statement that always answers a row answered none: a bug.
    #[error("the database answered no row where there is always one")]
    NoRow,
    /// A statement or a row is not what the code expects: a bug, or a schema that was not migrated.
    #[error("unexpected database failure: {0}")]
    Unexpected(#[source] tokio_postgres::Error),
}

/// The rule of the schema that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// Its name in the schema.
    pub name: String,
    /// Whether it is a uniqueness rule.
    pub is_unique: bool,
}

impl Error {
    /// Whether the same act may succeed later without any change to it.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Deadline
            | Self::Open(_)
            | Self::Busy
            | Self::Unreachable(_)
            | Self::Timeout
            | Self::Conflict => true,
            Self::Constraint(_) | Self::NoRow | Self::Unexpected(_) => false,
        }
    }

    pub(super) fn from_pool(error: PoolError) -> Self {
        match error {
            PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => Self::Busy,
            PoolError::Timeout(kind) => Self::Unreachable(format!("time-out while {kind:?}")),
            PoolError::Backend(error) => {
                let text = error.to_string();
                let known = Self::from(error);
                // A connection that cannot be opened is an outage, whatever the reason, and no bug of a statement.
                if known.retryable() { known } else { Self::Unreachable(text) }
            }
            PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Self::Unreachable(error.to_string())
            }
        }
    }
}

impl From<DeadlinePassed> for Error {
    fn from(_: DeadlinePassed) -> Self {
        Self::Deadline
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(refusal) = error.as_db_error() else {
            return if error.is_closed()
                || std::error::Error::source(&error)
                    .is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
            {
                Self::Unreachable(error.to_string())
            } else {
                Self::Unexpected(error)
            };
        };
        let code = refusal.code();
        if *code == SqlState::QUERY_CANCELED || *code == SqlState::LOCK_NOT_AVAILABLE {
            return Self::Timeout;
        }
        if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED {
            return Self::Conflict;
        }
        // SQLSTATE classes: 08 connection, 23 integrity, 25006 read-only server, 53 resources, 57P0x shutting down or starting.
        match code.code().get(..2) {
            Some("23") => Self::Constraint(Constraint {
                name: refusal.constraint().unwrap_or("unnamed").to_owned(),
                is_unique: *code == SqlState::UNIQUE_VIOLATION,
            }),
            Some("08" | "53" | "57") => Self::Unreachable(refusal.to_string()),
            _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => Self::Unreachable(refusal.to_string()),
            _ => Self::Unexpected(error),
        }
    }
}
