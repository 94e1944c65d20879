//! Settles everything that can go wrong in auth, and the problem that each of it is to whoever asked.

mod administration;
mod authenticator;

use std::time::Duration;

use actix_web::http::StatusCode;
use shared::attribution::Cause;
use shared::http::{Failure, Problem};
use shared::{audit, pg, redis};

pub use administration::AdministrationError;
pub use authenticator::AuthenticatorError;

use crate::domain::hasher::HASHES;

/// A failure of an act of auth.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown login, wrong password or blocked account: nobody outside learns which.
    #[error("login and password do not match an account that may sign in")]
    InvalidCredentials,
    /// The password is right and the account asks for a one-time code.
    #[error("a one-time code is required")]
    TotpRequired,
    /// The one-time code is wrong or from another half minute.
    #[error("the one-time code is wrong")]
    TotpWrong,
    /// The one-time code has signed somebody in before.
    #[error("the one-time code was used before")]
    TotpUsed,
    /// What goes wrong with administration, and what it has closed.
    #[error(transparent)]
    Administration(#[from] AdministrationError),
    /// What goes wrong with authenticators and recovery codes.
    #[error(transparent)]
    Authenticator(#[from] AuthenticatorError),
    /// No refresh handle, a forged one, or one whose session is over.
    #[error("the session is over")]
    SessionOver,
    /// The caller has no such session.
    #[error("no such session of this person")]
    SessionNotFound,
    /// All hash threads are busy and so many people wait that one more would wait too long.
    #[error("too many sign-ins at once")]
    SignInBusy,
    /// Too many attempts have failed: the next one may be made so much later.
    #[error("too many attempts have failed: the next may come in {0:?}")]
    HeldBack(Duration),
    /// The ticket of the waiting room was used before.
    #[error("the ticket was used before")]
    TicketUsed,
    /// The password is right, and opens nothing until another is set.
    #[error("the password must be set anew, by a code or with a one-time code")]
    ResetRequired,
    /// No code of an administrator, or one that is used, over, withdrawn or another person's.
    #[error("the code is wrong, used or over")]
    CodeWrong,
    /// A reset needs a code, or the old password and a one-time code.
    #[error("a reset needs a code, or the old password and a one-time code")]
    NoProof,
    /// A password must have at least so many letters in this role.
    #[error("a password needs at least {0} letters here")]
    PasswordTooShort(usize),
    /// A password is known, obvious, or made of the login.
    #[error("the password is known")]
    PasswordKnown,
    /// The caller's roles do not allow this.
    #[error("not allowed in any role of the caller")]
    NotAllowed,
    /// The caller has to prove again who they are.
    #[error("a one-time code of the last minutes is needed")]
    StepUpRequired,
    /// There is no such account, as far as the caller may know.
    #[error("no such account")]
    NoAccount,
    /// A key of a command was used for another.
    #[error("the key was used for another command")]
    KeyReused,
    /// The account of a valid token is gone.
    #[error("the account no longer exists")]
    AccountGone,
    /// A revocation names nobody, or too much at once.
    #[error("a revocation names either people or one scope")]
    NoTarget,
    /// No school of the asker has this id.
    #[error("no such school for the asker")]
    SchoolNotFound,
    /// Nobody whom the asker may see has this id.
    #[error("no such person for the asker")]
    PersonNotFound,
    /// PostgreSQL.
    #[error("database: {0}")]
    Database(#[from] pg::Error),
    /// The Redis Cluster.
    #[error("session store: {0}")]
    SessionStore(#[from] redis::Error),
    /// The audit log.
    #[error("audit log: {0}")]
    Audit(#[from] audit::Error),
    /// A fault of ours.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// Whether somebody who waited for their turn keeps it for another try: they mistyped, or the fault was ours.
    pub fn leaves_the_turn(&self) -> bool {
        self.may_be_mistyped() || self.retryable()
    }

    /// Whether the person may only have mistyped.
    fn may_be_mistyped(&self) -> bool {
        match self {
            Self::InvalidCredentials
            | Self::TotpRequired
            | Self::TotpWrong
            | Self::TotpUsed
            | Self::Authenticator(AuthenticatorError::RecoveryCodeWrong) => true,
            Self::Authenticator(
                AuthenticatorError::EnrolmentRequired
                | AuthenticatorError::NoAuthenticator
                | AuthenticatorError::NothingOffered
                | AuthenticatorError::FreshSignInRequired,
            )
            | Self::Administration(_)
            | Self::SessionOver
            | Self::SessionNotFound
            | Self::SignInBusy
            | Self::HeldBack(_)
            | Self::ResetRequired
            | Self::CodeWrong
            | Self::NoProof
            | Self::PasswordTooShort(_)
            | Self::PasswordKnown
            | Self::NotAllowed
            | Self::StepUpRequired
            | Self::NoAccount
            | Self::KeyReused
            | Self::TicketUsed
            | Self::AccountGone
            | Self::NoTarget
            | Self::SchoolNotFound
            | Self::PersonNotFound
            | Self::Database(_)
            | Self::SessionStore(_)
            | Self::Audit(_)
            | Self::Internal(_) => false,
        }
    }
}

impl Failure for Error {
    fn retryable(&self) -> bool {
        match self {
            Self::SignInBusy => true,
            Self::Database(error) => error.retryable(),
            Self::SessionStore(error) => error.retryable(),
            Self::Audit(error) => error.retryable(),
            Self::InvalidCredentials
            | Self::TotpRequired
            | Self::TotpWrong
            | Self::TotpUsed
            | Self::Administration(_)
            | Self::Authenticator(_)
            | Self::SessionOver
            | Self::HeldBack(_)
            | Self::ResetRequired
            | Self::CodeWrong
            | Self::NoProof
            | Self::PasswordTooShort(_)
            | Self::PasswordKnown
            | Self::NotAllowed
            | Self::StepUpRequired
            | Self::NoAccount
            | Self::KeyReused
            | Self::TicketUsed
            | Self::SessionNotFound
            | Self::AccountGone
            | Self::NoTarget
            | Self::SchoolNotFound
            | Self::PersonNotFound
            | Self::Internal(_) => false,
        }
    }

    fn problem(&self) -> Problem {
        let unauthorized = |code, detail: &str| Problem::new(StatusCode::UNAUTHORIZED, code, detail);
        let conflict = |code, detail: &str| Problem::new(StatusCode::CONFLICT, code, detail);
        let forbidden = |code, detail: &str| Problem::new(StatusCode::FORBIDDEN, code, detail);
        let unprocessable = |code, detail: &str| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
        match self {
            Self::InvalidCredentials => {
                unauthorized("invalid_credentials", "Login and password do not match.")
            }
            Self::TotpRequired => unauthorized(
                "totp_required",
                "This account needs the current code of its authenticator as well.",
            ),
            Self::TotpWrong => unauthorized("totp_wrong", "The code is wrong: type the current one."),
            Self::TotpUsed => unauthorized(
                "totp_code_used",
                "This code was used before: wait for the next one, up to 30 seconds.",
            ),
            Self::Administration(error) => error.problem(),
            Self::Authenticator(error) => error.problem(),
            Self::SessionOver => unauthorized("session_over", "The session is over: sign in again."),
            Self::SessionNotFound => {
                Problem::new(StatusCode::NOT_FOUND, "session_not_found", "You have no such session.")
            }
            Self::AccountGone => unauthorized("account_gone", "This account no longer exists."),
            Self::SchoolNotFound => Problem::new(
                StatusCode::NOT_FOUND,
                "school_not_found",
                "You belong to no school with this id.",
            ),
            Self::PersonNotFound => Problem::new(
                StatusCode::NOT_FOUND,
                "person_not_found",
                "There is nobody with this id whom you may see.",
            ),
            Self::NoTarget => unprocessable("invalid_body", "Name either people or one scope."),
            Self::ResetRequired => forbidden(
                "password_reset_required",
                "This password is not good any more: set another, with your school's code or your authenticator.",
            ),
            Self::CodeWrong => {
                unauthorized("code_wrong", "Login and code do not match, or the code was used or is too old.")
            }
            Self::NoProof => unprocessable("invalid_body", "Send code, or password with one second factor."),
            Self::PasswordTooShort(least) => unprocessable(
                "password_too_short",
                &format!("The new password needs at least {least} letters."),
            ),
            Self::PasswordKnown => unprocessable(
                "password_known",
                "The new password is one that others try first, or holds your login: choose another.",
            ),
            Self::NotAllowed => forbidden("not_allowed", "Your roles do not allow this."),
            Self::StepUpRequired => Problem::step_up_required(),
            Self::NoAccount => {
                Problem::new(StatusCode::NOT_FOUND, "account_not_found", "There is no such account here.")
            }
            Self::KeyReused => {
                conflict("idempotency_key_reused", "This key was used for another command: take a new one.")
            }
            Self::TicketUsed => conflict(
                "ticket_used",
                "This turn was used before: send the request without its ticket to get a new place.",
            ),
            Self::HeldBack(wait) => {
                let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
                let detail = "Too many attempts have failed: wait as long as the header Retry-After says, or use a \
                              device on which you have signed in before.";
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", detail)
                    .retry_after(seconds)
                    .because(Cause::Rate)
            }
            Self::SignInBusy => {
                Problem::unavailable("sign_in_busy", "Too many people sign in right now: try again.")
                    .because(HASHES)
            }
            Self::Database(pg::Error::Deadline)
            | Self::SessionStore(redis::Error::Deadline)
            | Self::Audit(audit::Error::Database(pg::Error::Deadline)) => Problem::deadline_exceeded(),
            Self::Database(error) if error.retryable() => {
                Problem::unavailable("database_unavailable", "Accounts cannot be read right now: try again.")
                    .because(error)
            }
            Self::SessionStore(error) if error.retryable() => Problem::unavailable(
                "session_store_unavailable",
                "Sessions cannot be stored right now: you stay signed in, try again.",
            )
            .because(error),
            Self::Audit(error) if error.retryable() => {
                Problem::unavailable("database_unavailable", "Accounts cannot be read right now: try again.")
                    .because(error)
            }
            Self::Database(_) | Self::SessionStore(_) | Self::Audit(_) | Self::Internal(_) => {
                Problem::internal()
            }
        }
    }
}
