//! Settles what can go wrong with authenticators and recovery codes, and the problem that each of it is.

use actix_web::http::StatusCode;
use shared::http::Problem;

/// A failure of an enrolment or a recovery.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticatorError {
    /// No recovery code of the account, or one that was used.
    #[error("the recovery code is wrong or used")]
    RecoveryCodeWrong,
    /// The password is right, the role asks for an authenticator on a new device, and the account has none.
    #[error("an authenticator must be enrolled first")]
    EnrolmentRequired,
    /// The account has no authenticator.
    #[error("the account has no authenticator")]
    NoAuthenticator,
    /// No authenticator was offered, or too long ago.
    #[error("no authenticator was offered")]
    NothingOffered,
    /// The caller has to sign in anew.
    #[error("a sign-in of the last minutes is needed")]
    FreshSignInRequired,
}

impl AuthenticatorError {
    /// What it is to whoever asked.
    pub(super) fn problem(&self) -> Problem {
        match self {
            Self::RecoveryCodeWrong => Problem::new(
                StatusCode::UNAUTHORIZED,
                "recovery_code_wrong",
                "The recovery code is wrong or was used: type another.",
            ),
            Self::EnrolmentRequired => Problem::new(
                StatusCode::FORBIDDEN,
                "enrolment_required",
                "Your role needs an authenticator on a new device: enrol one with the code that your school prints for it.",
            ),
            Self::NoAuthenticator => Problem::new(
                StatusCode::FORBIDDEN,
                "authenticator_required",
                "This needs an authenticator, and your account has none.",
            ),
            Self::NothingOffered => Problem::new(
                StatusCode::CONFLICT,
                "nothing_offered",
                "No authenticator was offered in the last quarter of an hour: begin again.",
            ),
            Self::FreshSignInRequired => Problem::new(
                StatusCode::FORBIDDEN,
                "fresh_sign_in_required",
                "This needs a sign-in of the last quarter of an hour.",
            ),
        }
    }
}
