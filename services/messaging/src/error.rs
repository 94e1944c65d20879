//! Settles everything that can go wrong in messaging, and the problem that each of it is to whoever asked.

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use shared::cache::LoadFailed;
use shared::http::{Failure, NotSensitive, Problem};
use shared::{audit, idempotency, pg};

use crate::domain::budget::Exceeded;
use crate::domain::communication_rule::Refusal;

mod budget;
mod hold;
mod incident;
mod mailbox;
mod recall;
mod restriction;

pub use hold::HoldError;
pub use incident::IncidentError;
pub use mailbox::MailboxError;
pub use recall::RecallError;
pub use restriction::RestrictionError;

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
    /// What goes on with a thread has its subject.
    #[error("a thread has its subject")]
    SubjectOfThread,
    /// The sender has sent as much as they may, for now.
    #[error("the budget refuses: {exceeded:?}")]
    Exceeded {
        /// What is used up.
        exceeded: Exceeded,
        /// When this was said.
        now: DateTime<Utc>,
    },
    /// A rule would go further than a school can let it go.
    #[error("a rule goes too far")]
    ScopeTooWide,
    /// Limits would be wider than a school can let them be, or count something else.
    #[error("limits go too far")]
    LimitsTooWide,
    /// The caller belongs to no such school.
    #[error("no such school for this caller")]
    SchoolNotFound,
    /// The caller's roles do not allow it.
    #[error("the caller's roles do not allow this")]
    NotAllowed,
    /// The act asks for a one-time code of the last moments.
    #[error("a one-time code is needed")]
    StepUpRequired,
    /// Two persons decide this, and the caller's device or password is younger than a day.
    #[error("the device or the password is too new to decide")]
    TooNewToDecide,
    /// Restrictions of sending.
    #[error(transparent)]
    Restriction(#[from] RestrictionError),
    /// Recalls and stolen accounts.
    #[error(transparent)]
    Recall(#[from] RecallError),
    /// Held messages.
    #[error(transparent)]
    Hold(#[from] HoldError),
    /// Incidents and evidence.
    #[error(transparent)]
    Incident(#[from] IncidentError),
    /// Searches and streams of events.
    #[error(transparent)]
    Mailbox(#[from] MailboxError),
    /// So many recipients are a sensitive act, and the session cannot be checked in full now.
    #[error(transparent)]
    NotSensitive(#[from] NotSensitive),
    /// The act's key was used otherwise, or is in use.
    #[error(transparent)]
    Idempotency(#[from] idempotency::Error),
    /// PostgreSQL.
    #[error("database: {0}")]
    Database(#[from] pg::Error),
    /// Nothing is kept that is young enough, and it cannot be read anew.
    #[error(transparent)]
    NotReadable(#[from] LoadFailed),
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] audit::Error),
}

impl Failure for Error {
    fn retryable(&self) -> bool {
        match self {
            Self::Database(error) => error.retryable(),
            Self::Idempotency(error) => error.retryable(),
            Self::NotReadable(error) => error.retryable(),
            Self::Audit(error) => error.retryable(),
            Self::Incident(error) => error.retryable(),
            Self::Mailbox(error) => error.retryable(),
            Self::NotSensitive(_) => true,
            Self::ThreadNotFound
            | Self::GroupNotFound
            | Self::Refused(_)
            | Self::NoRecipients
            | Self::UnknownRecipient
            | Self::SubjectMissing
            | Self::SubjectOfThread
            | Self::Exceeded { .. }
            | Self::ScopeTooWide
            | Self::LimitsTooWide
            | Self::SchoolNotFound
            | Self::NotAllowed
            | Self::StepUpRequired
            | Self::TooNewToDecide
            | Self::Restriction(_)
            | Self::Recall(_)
            | Self::Hold(_) => false,
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
            Self::SubjectOfThread => invalid(
                "subject_of_thread",
                "This thread has its subject: leave yours out, or begin a new thread.",
            ),
            Self::Exceeded { exceeded, now } => budget::exceeded(exceeded, *now),
            Self::ScopeTooWide => invalid(
                "scope_too_wide",
                "Pupils and guardians write to pupils and guardians of their own groups at most.",
            ),
            Self::LimitsTooWide => {
                invalid("limits_too_wide", "A school cannot choose these limits: see widest_limits.")
            }
            Self::SchoolNotFound => Problem::new(
                StatusCode::NOT_FOUND,
                "school_not_found",
                "You belong to no school with this id.",
            ),
            Self::NotAllowed => {
                Problem::new(StatusCode::FORBIDDEN, "not_allowed", "Your roles do not allow this.")
            }
            Self::StepUpRequired => Problem::step_up_required(),
            Self::TooNewToDecide => Problem::new(
                StatusCode::FORBIDDEN,
                "too_new_to_decide",
                "Two persons decide this on devices, and with passwords, that are theirs for a day. Until then the operators of this ENT can.",
            ),
            Self::Restriction(error) => error.problem(),
            Self::Recall(error) => error.problem(),
            Self::Hold(error) => error.problem(),
            Self::Incident(error) => error.problem(),
            Self::Mailbox(error) => error.problem(),
            Self::NotSensitive(refusal) => refusal.problem(),
            Self::Idempotency(error) => error.problem(),
            Self::Database(pg::Error::Deadline)
            | Self::Audit(audit::Error::Database(pg::Error::Deadline)) => Problem::deadline_exceeded(),
            Self::Database(error) if error.retryable() => unavailable().because(error),
            Self::Audit(error) if error.retryable() => unavailable().because(error),
            Self::NotReadable(error) if error.retryable() => unavailable().because(error),
            Self::Database(_) | Self::Audit(_) | Self::NotReadable(_) => Problem::internal(),
        }
    }
}

fn unavailable() -> Problem {
    Problem::unavailable("database_unavailable", "Messages cannot be reached right now: try again.")
}
