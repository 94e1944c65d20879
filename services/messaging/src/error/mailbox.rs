//! Settles what can go wrong with searches and streams of events, and the problem that each of it is.

use actix_web::http::StatusCode;
use shared::http::Problem;
use shared::pg;

/// Seconds after which whoever found no place for a stream may look again; spread by up to half.
const FULL_RETRY_S: u32 = 30;

/// A failure of a search or of a stream.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// All that was asked for is in every text.
    #[error("no word is left to be looked for")]
    NothingToSearch,
    /// A search found no connection, or took too long.
    #[error("search: {0}")]
    Search(pg::Error),
    /// The instance has as many streams as it may have.
    #[error("this instance has no place for another stream")]
    StreamsFull,
}

impl MailboxError {
    pub(super) fn retryable(&self) -> bool {
        match self {
            Self::NothingToSearch => false,
            Self::Search(error) => error.retryable(),
            Self::StreamsFull => true,
        }
    }

    pub(super) fn problem(&self) -> Problem {
        match self {
            Self::NothingToSearch => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "nothing_to_search",
                "These words are in every text: add one that is not.",
            ),
            Self::Search(pg::Error::Deadline) => Problem::deadline_exceeded(),
            Self::Search(error) if error.retryable() => Problem::unavailable(
                "search_unavailable",
                "Messages cannot be searched right now; reading and sending go on. Try again, or with a rarer word.",
            )
            .because(error),
            Self::Search(_) => Problem::internal(),
            Self::StreamsFull => Problem::unavailable(
                "streams_full",
                "Too many people listen for news just now: look into your mailbox from time to time instead.",
            )
            .retry_after(FULL_RETRY_S),
        }
    }
}
