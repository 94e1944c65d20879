//! Settles what can go wrong with recalls and account responses, and what somebody reads whose account is being secured.

use actix_web::http::StatusCode;
use shared::http::Problem;

/// A failure of an act about recalls or stolen accounts, or what one has closed.
#[derive(Debug, thiserror::Error)]
pub enum RecallError {
    /// A selection that cannot be made.
    #[error("{0}")]
    Bad(&'static str),
    /// So many messages are not withdrawn in one act.
    #[error("too many messages for one recall")]
    TooLarge,
    /// The school has no such recall.
    #[error("no such recall")]
    NotFound,
    /// It was restored or made final already.
    #[error("the recall is decided")]
    Decided,
    /// The school counts what another recall would withdraw.
    #[error("another preview of the school is under way")]
    PreviewUnderWay,
    /// There is no such response.
    #[error("no such account response")]
    NoSuchResponse,
    /// An account is not of the school.
    #[error("an account is not of the school")]
    NotOfTheSchool,
    /// Administrators' accounts, and one's own, are the operators' business.
    #[error("the account of an administrator, or one's own")]
    AdministratorAccount,
    /// The sender's account is being secured.
    #[error("the sender's account is contained")]
    AccountContained,
    /// What a message quotes is not there for its sender.
    #[error("no such message to quote")]
    QuotedNotFound,
}

impl RecallError {
    /// What it is to whoever asked.
    pub(super) fn problem(&self) -> Problem {
        let not_found = |code, detail: &str| Problem::new(StatusCode::NOT_FOUND, code, detail);
        let invalid = |code, detail: &str| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
        match self {
            Self::Bad(fault) => invalid("invalid_body", fault),
            Self::TooLarge => invalid(
                "recall_too_large",
                "These are more than 100,000 messages: withdraw them in several shorter windows.",
            ),
            Self::NotFound => not_found("recall_not_found", "There is no such recall here."),
            Self::Decided => Problem::new(
                StatusCode::CONFLICT,
                "recall_decided",
                "This recall has been restored or made final already, and that stays so.",
            ),
            Self::PreviewUnderWay => Problem::new(
                StatusCode::CONFLICT,
                "preview_under_way",
                "Somebody of your school is counting what a recall would withdraw: ask again in a moment, or withdraw.",
            )
            .retry_after(1),
            Self::NoSuchResponse => not_found("response_not_found", "There is no such response here."),
            Self::NotOfTheSchool => {
                invalid("not_of_the_school", "One of these people does not belong to the school.")
            }
            Self::AdministratorAccount => Problem::new(
                StatusCode::FORBIDDEN,
                "administrator_account",
                "Accounts of administrators, and your own, are secured by the operators of this ENT.",
            ),
            Self::AccountContained => Problem::new(
                StatusCode::FORBIDDEN,
                "account_contained",
                "This account is being secured, so it cannot send: an administrator of your school opens it again.",
            ),
            Self::QuotedNotFound => {
                not_found("quoted_message_not_found", "The message to be quoted is not there for you.")
            }
        }
    }
}
