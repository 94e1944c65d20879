//! Settles what can go wrong with held messages.

use actix_web::http::StatusCode;
use shared::http::Problem;

/// A failure of an act about held messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// Nothing waits under this id: it was decided or recalled, or it was not decided for too long.
    #[error("no such held message")]
    NotFound,
    /// Somebody reviews what they sent.
    #[error("nobody reviews their own message")]
    OwnMessage,
    /// The sender cannot release it.
    #[error("a reviewer has to look at it")]
    ReviewerOnly,
    /// Whoever sent it may have stolen the account.
    #[error("the sender's account was contained after the hold")]
    SenderContained,
}

impl HoldError {
    /// What it is to whoever asked.
    pub(super) fn problem(self) -> Problem {
        match self {
            Self::NotFound => Problem::new(
                StatusCode::NOT_FOUND,
                "held_message_not_found",
                "No such message waits here: somebody has decided, or it has waited too long.",
            ),
            Self::OwnMessage => Problem::new(
                StatusCode::FORBIDDEN,
                "own_message",
                "Nobody reviews their own message: somebody else has to look at it.",
            ),
            Self::ReviewerOnly => Problem::new(
                StatusCode::FORBIDDEN,
                "reviewer_only",
                "Somebody who may review in your school has to look at this message.",
            ),
            Self::SenderContained => Problem::new(
                StatusCode::CONFLICT,
                "sender_contained",
                "The sender's account was secured after this was sent: refuse it; its owner can send it again.",
            ),
        }
    }
}
