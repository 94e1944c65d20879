//! Settles what is kept of a sign-in, of a change of credentials and of the end of a session: when, whose, from where, on which device.
//!
//! It holds no password, no code and no login that was typed: people type passwords there.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use shared::clock::Clock;
use shared::ids;
use shared::session::Membership;
use uuid::Uuid;

use super::attempts::Origin;
use crate::error::{AdministrationError, AuthenticatorError, Error};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Somebody signed in; the detail says how.
    SignedIn,
    /// Somebody was not let in; the detail says why.
    SignInRefused,
    /// Somebody who was signed in gave a one-time code.
    SteppedUp,
    /// The code was wrong, or too many were.
    StepUpRefused,
    /// A browser signed out.
    SignedOut,
    /// A person ended one of their sessions from another.
    SessionEnded,
    /// A person ended all of them.
    SessionsEnded,
    /// An old refresh handle came back: somebody has a copy, and the session was ended.
    OldHandleUsed,
    /// A password was set; the detail says by what.
    PasswordSet,
    /// Somebody wanted to set a password by the old one and a one-time code, and was refused.
    PasswordChangeRefused,
    /// A printed code was wrong, used or over.
    CodeRefused,
    /// An authenticator was enrolled; the detail says by what.
    AuthenticatorEnrolled,
    /// A sibling had the account locked.
    AccountContained,
}

impl Kind {
    /// As it is stored and told.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::SignInRefused => "sign_in_refused",
            Self::SteppedUp => "stepped_up",
            Self::StepUpRefused => "step_up_refused",
            Self::SignedOut => "signed_out",
            Self::SessionEnded => "session_ended",
            Self::SessionsEnded => "sessions_ended",
            Self::OldHandleUsed => "old_handle_used",
            Self::PasswordSet => "password_set",
            Self::PasswordChangeRefused => "password_change_refused",
            Self::CodeRefused => "code_refused",
            Self::AuthenticatorEnrolled => "authenticator_enrolled",
            Self::AccountContained => "account_contained",
        }
    }

    /// Whether anybody outside can make as many of these as they like.
    pub fn is_refusal(self) -> bool {
        match self {
            Self::SignInRefused | Self::StepUpRefused | Self::PasswordChangeRefused | Self::CodeRefused => {
                true
            }
            Self::SignedIn
            | Self::SteppedUp
            | Self::SignedOut
            | Self::SessionEnded
            | Self::SessionsEnded
            | Self::OldHandleUsed
            | Self::PasswordSet
            | Self::AuthenticatorEnrolled
            | Self::AccountContained => false,
        }
    }
}

/// Where somebody is seen who is signed in.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// From which address, as far as proxies are believed.
    pub address: IpAddr,
    /// In which browser, as [`super::browser::label`] has it.
    pub browser: &'a str,
}

/// Something that happened, once or several times alike.
#[derive(Debug, Clone)]
pub struct SecurityEvent {
    /// Born with it.
    pub id: Uuid,
    /// When it happened first.
    pub at: DateTime<Utc>,
    /// When it happened last.
    pub last_at: DateTime<Utc>,
    /// How often.
    pub count: i32,
    /// What.
    pub kind: Kind,
    /// How, or why not.
    pub detail: Option<&'static str>,
    /// Whose account, if it is known.
    pub person_id: Option<Uuid>,
    /// Where that person has a role.
    pub school_ids: Vec<Uuid>,
    /// From which address, as far as proxies are believed.
    pub address: Option<IpAddr>,
    /// On which device, if its cookie was one of ours or has become one.
    pub device_id: Option<Uuid>,
    /// Whether the person signed in there for the first time.
    pub is_new_device: Option<bool>,
    /// In which session.
    pub session_id: Option<Uuid>,
    /// Family of the browser and the system.
    pub browser: Option<String>,
}

impl SecurityEvent {
    /// Something that happens now.
    pub fn now(clock: &dyn Clock, kind: Kind, detail: Option<&'static str>) -> Self {
        let at = clock.utc();
        Self {
            id: ids::new_id(clock),
            at,
            last_at: at,
            count: 1,
            kind,
            detail,
            person_id: None,
            school_ids: vec![],
            address: None,
            device_id: None,
            is_new_device: None,
            session_id: None,
            browser: None,
        }
    }

    /// It happened there.
    #[must_use]
    pub fn from(self, origin: Origin<'_>) -> Self {
        Self { address: Some(origin.address), device_id: origin.device.map(|device| device.id), ..self }
    }

    /// It happened in this session.
    #[must_use]
    pub fn in_session(self, session_id: Uuid, seen: Seen<'_>) -> Self {
        let browser = Some(seen.browser.to_owned());
        Self { session_id: Some(session_id), address: Some(seen.address), browser, ..self }
    }

    /// It happened to this account.
    #[must_use]
    pub fn of(self, person_id: Uuid, memberships: &[Membership]) -> Self {
        let mut school_ids: Vec<Uuid> = memberships.iter().map(|membership| membership.school).collect();
        school_ids.sort_unstable();
        school_ids.dedup();
        Self { person_id: Some(person_id), school_ids, ..self }
    }
}

/// Why somebody was refused who tried to prove who they are. What is a fault of ours says nothing of them.
pub fn refusal(error: &Error) -> Option<&'static str> {
    match error {
        Error::InvalidCredentials => Some("credentials_wrong"),
        Error::TotpRequired => Some("second_factor_missing"),
        Error::TotpWrong | Error::TotpUsed | Error::Authenticator(AuthenticatorError::RecoveryCodeWrong) => {
            Some("second_factor_wrong")
        }
        Error::ResetRequired => Some("reset_required"),
        Error::CodeWrong => Some("code_wrong"),
        Error::HeldBack(_) => Some("held_back"),
        Error::Authenticator(AuthenticatorError::EnrolmentRequired) => Some("enrolment_required"),
        Error::Administration(AdministrationError::SignInClosed { .. }) => Some("sign_in_closed"),
        Error::Authenticator(
            AuthenticatorError::NoAuthenticator
            | AuthenticatorError::NothingOffered
            | AuthenticatorError::FreshSignInRequired,
        )
        | Error::Administration(_)
        | Error::SessionOver
        | Error::SessionNotFound
        | Error::SignInBusy
        | Error::TicketUsed
        | Error::NoProof
        | Error::PasswordTooShort(_)
        | Error::PasswordKnown
        | Error::NotAllowed
        | Error::StepUpRequired
        | Error::NoAccount
        | Error::KeyReused
        | Error::AccountGone
        | Error::NoTarget
        | Error::SchoolNotFound
        | Error::PersonNotFound
        | Error::Database(_)
        | Error::SessionStore(_)
        | Error::Audit(_)
        | Error::Internal(_) => None,
    }
}
