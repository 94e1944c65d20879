//! Settles how a call to a sibling can end badly, and what each end says of the sibling's health.

use std::time::Duration;

use reqwest::StatusCode;

use crate::context::DeadlinePassed;
use crate::resilience::breaker::Outcome;
use crate::resilience::bulkhead::NoPlace;

/// A failure of a call to a sibling.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Whoever asked is gone.
    #[error("the deadline passed before the sibling answered")]
    Deadline,
    /// No call was made: too many wait for this sibling already.
    #[error("too many calls wait for {0}")]
    Crowded(&'static str),
    /// No call was made: it is known not to answer. May be asked again after this time.
    #[error("{0} has not answered lately; its breaker is open for {1:?}")]
    Open(&'static str, Duration),
    /// No instance took the connection, so that nothing was done.
    #[error("{0} takes no connection: {1}")]
    NotTaken(&'static str, String),
    /// The answer did not come.
    #[error("{0} cannot be reached: {1}")]
    Unreachable(&'static str, String),
    /// The sibling answered with an error status.
    #[error("{0} refused with status {1}")]
    Refused(&'static str, StatusCode),
    /// The answer is not what its API description promises.
    #[error("{0} answered something else than promised: {1}")]
    Malformed(&'static str, String),
}

impl Error {
    /// Whether the same call may succeed later without any change to it.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Deadline
            | Self::Crowded(_)
            | Self::Open(..)
            | Self::NotTaken(..)
            | Self::Unreachable(..) => true,
            Self::Refused(_, status) => status.is_server_error(),
            Self::Malformed(..) => false,
        }
    }

    /// The name of what went wrong, for traces.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Crowded(_) => "crowded",
            Self::Open(..) => "open",
            Self::NotTaken(..) => "not_taken",
            Self::Unreachable(..) => "unreachable",
            Self::Refused(..) => "refused",
            Self::Malformed(..) => "malformed",
        }
    }

    /// What it says of the sibling. An answer is health, whatever it says, but for the sibling's own faults; one that
    /// says "too much to do" is neither: opening a breaker on it would turn a part of an outage into the whole.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Deadline => Outcome::TimedOut,
            Self::NotTaken(..) | Self::Unreachable(..) => Outcome::Failure,
            Self::Crowded(_)
            | Self::Open(..)
            | Self::Refused(_, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => {
                Outcome::Neutral
            }
            Self::Refused(_, status) if status.is_server_error() => Outcome::Failure,
            Self::Refused(..) | Self::Malformed(..) => Outcome::Success,
        }
    }
}

impl From<DeadlinePassed> for Error {
    fn from(_: DeadlinePassed) -> Self {
        Self::Deadline
    }
}

impl Error {
    /// There was no place for the call.
    pub(super) fn no_place(sibling: &'static str, refused: NoPlace) -> Self {
        match refused {
            NoPlace::Deadline(_) => Self::Deadline,
            NoPlace::TooManyWaiting | NoPlace::WaitedTooLong => Self::Crowded(sibling),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_the_siblings_fault_counts_against_it() {
        let refused = |status| Error::Refused("auth", status).outcome();
        assert_eq!(refused(StatusCode::NOT_FOUND), Outcome::Success);
        assert_eq!(refused(StatusCode::INTERNAL_SERVER_ERROR), Outcome::Failure);
        assert_eq!(refused(StatusCode::SERVICE_UNAVAILABLE), Outcome::Neutral);
        assert_eq!(Error::Deadline.outcome(), Outcome::TimedOut);
        assert_eq!(Error::NotTaken("auth", String::new()).outcome(), Outcome::Failure);
    }
}
