//! Settles a sign-in: one uniform answer and one cost for everyone who is not let in.

use shared::config::Profile;
use shared::context::Context;
use shared::pg::{Database, Work};
use shared::redis::Cluster;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::attempts::{Attempts, Origin, Outcome};
use super::authenticators::{Authenticators, SecondFactor};
use super::hasher::Hasher;
use super::password::HASH_OF_NOBODY;
use super::password_policy;
use super::refresh_handle::Method;
use super::rehash::Rehash;
use super::security_event::{self, Kind, SecurityEvent};
use super::security_events::SecurityEvents;
use super::session::{Identified, Sessions};
use super::session_tokens::Granted;
use super::waiting_room::Inside;
use crate::error::{AdministrationError, AuthenticatorError, Error};
use crate::store;
use crate::store::account::Account;

/// What a person types.
pub struct Credentials {
    /// As typed; case and surrounding blanks do not matter.
    pub login: String,
    /// Exactly as typed.
    pub password: Zeroizing<String>,
    /// What else was typed, if anything.
    pub second_factor: Option<SecondFactor>,
    /// Which browser it was typed in.
    pub browser: String,
    /// Which device that browser is once it has signed in.
    pub device_id: Option<Uuid>,
}

/// What somebody wants who says who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    Session,
    NewPassword,
}

impl Aim {
    fn refused(self) -> Kind {
        match self {
            Self::Session => Kind::SignInRefused,
            Self::NewPassword => Kind::PasswordChangeRefused,
        }
    }
}

/// What sign-ins need. Cloning shares it.
#[derive(Clone)]
pub struct SignIn {
    /// Accounts.
    pub database: Database,
    /// Password checks.
    pub hasher: Hasher,
    /// Where used tickets are remembered.
    pub cluster: Cluster,
    /// Whose attempts are held back.
    pub attempts: Attempts,
    /// Second factors.
    pub authenticators: Authenticators,
    /// What renews hashes with old parameters.
    pub rehash: Rehash,
    /// What a sign-in opens.
    pub sessions: Sessions,
    /// What is kept of sign-ins.
    pub events: SecurityEvents,
    /// Whether demo accounts may sign in.
    pub profile: Profile,
}

impl SignIn {
    /// Lets a person in, or says as little as possible. Whoever is `inside` makes room when the password has been checked.
    pub async fn attempt(
        &self,
        context: &Context,
        inside: Inside,
        origin: Origin<'_>,
        typed: Credentials,
    ) -> Result<(Account, Granted), Error> {
        self.use_ticket(context, &inside).await?;
        let (account, method) = self.prove(context, inside, origin, &typed, Aim::Session).await?;
        if let Some(hash) = &account.password_hash {
            self.rehash.offer(account.person_id, &typed.password, hash);
        }
        let memberships = account.memberships.clone();
        // A password that was just set with a code says no more than a new device: a thief may have had the code.
        let set_at = account.code_password_at.and_then(|at| u64::try_from(at.timestamp()).ok());
        let device_since = origin.device.and_then(|device| device.known_since(account.person_id));
        let device_since = device_since.map(|since| since.max(set_at.unwrap_or(0)));
        let who = Identified {
            person_id: account.person_id,
            epoch: account.epoch,
            memberships,
            method,
            device_since,
            browser: typed.browser,
        };
        let granted = self.sessions.start(context, &who).await?;
        let signed_in = self.events.now(Kind::SignedIn, Some(method.name()));
        self.events.note(SecurityEvent {
            device_id: typed.device_id,
            is_new_device: Some(device_since.is_none()),
            session_id: Some(granted.sid),
            browser: Some(who.browser),
            ..signed_in.from(origin).of(who.person_id, &who.memberships)
        });
        Ok((account, granted))
    }

    /// Whose password and one-time code these are, for setting another password. An account without an authenticator
    /// has no such way.
    pub async fn identify_with_totp(
        &self,
        context: &Context,
        inside: Inside,
        origin: Origin<'_>,
        typed: &Credentials,
    ) -> Result<Account, Error> {
        self.use_ticket(context, &inside).await?;
        let (account, method) = self.prove(context, inside, origin, typed, Aim::NewPassword).await?;
        match method {
            Method::PasswordAndTotp => Ok(account),
            Method::Password => Err(Error::ResetRequired),
        }
    }

    /// Who it is, if they may try.
    async fn prove(
        &self,
        context: &Context,
        inside: Inside,
        origin: Origin<'_>,
        typed: &Credentials,
        aim: Aim,
    ) -> Result<(Account, Method), Error> {
        let login = typed.login.trim().to_lowercase();
        let found = {
            let mut reader = self.database.reader(context, Work::Login).await?;
            store::account::find_by_login(&mut reader, &login).await?
        };
        let whose = found.as_ref().map(|account| (account.person_id, account.memberships.clone()));
        let proved = self.prove_found(context, inside, found, typed, (&login, aim, origin)).await;
        if let Some(reason) = proved.as_ref().err().and_then(security_event::refusal) {
            let refused = self.events.now(aim.refused(), Some(reason)).from(origin);
            let refused = match whose {
                Some((person_id, memberships)) => refused.of(person_id, &memberships),
                None => refused,
            };
            self.events.note(SecurityEvent { browser: Some(typed.browser.clone()), ..refused });
        }
        proved
    }

    /// The same, of whom the login has found.
    async fn prove_found(
        &self,
        context: &Context,
        inside: Inside,
        found: Option<Account>,
        typed: &Credentials,
        (login, aim, origin): (&str, Aim, Origin<'_>),
    ) -> Result<(Account, Method), Error> {
        let person = found.as_ref().map(|account| account.person_id);
        if aim == Aim::Session {
            self.is_open_to_known(found.as_ref(), origin)?;
        }
        let attempt = self.attempts.begin(context, login, person, origin).await?;
        let outcome = self.identify(context, inside, found, typed, (aim, origin)).await;
        self.attempts.end(context, &attempt, Self::outcome(&outcome)).await?;
        outcome
    }

    /// Who it is, by what was typed.
    async fn identify(
        &self,
        context: &Context,
        inside: Inside,
        found: Option<Account>,
        typed: &Credentials,
        (aim, origin): (Aim, Origin<'_>),
    ) -> Result<(Account, Method), Error> {
        let hash = found.as_ref().and_then(|account| account.password_hash.as_deref());
        let hash = hash.unwrap_or(HASH_OF_NOBODY).to_owned();
        let password = password_policy::normal(&typed.password);
        let matches = self.hasher.check(context, password, hash).await?;
        drop(inside);
        let account =
            found.filter(|account| matches && self.may_sign_in(account)).ok_or(Error::InvalidCredentials)?;
        if account.is_reset_forced && aim == Aim::Session {
            return Err(Error::ResetRequired);
        }
        let method = self.second_factor(context, &account, typed, (aim, origin)).await?;
        if aim == Aim::Session {
            self.is_open_to(&account)?;
        }
        Ok((account, method))
    }

    /// A device on which this person has signed in before learns at once, and for nothing, that they stay out; to everybody
    /// else the account is told by its password alone.
    fn is_open_to_known(&self, found: Option<&Account>, origin: Origin<'_>) -> Result<(), Error> {
        let knows = |account: &&Account| {
            origin.device.is_some_and(|device| device.known_since(account.person_id).is_some())
        };
        found.filter(knows).map_or(Ok(()), |account| self.is_open_to(account))
    }

    fn is_open_to(&self, account: &Account) -> Result<(), Error> {
        let until = self.sessions.switches.closed_until(&account.memberships);
        let closed = |until| AdministrationError::SignInClosed { until, now: self.sessions.clock.utc() };
        until.map_or(Ok(()), |until| Err(closed(until).into()))
    }

    fn outcome(identified: &Result<(Account, Method), Error>) -> Outcome {
        match identified {
            Ok(_) => Outcome::Right,
            Err(
                Error::InvalidCredentials
                | Error::TotpWrong
                | Error::TotpUsed
                | Error::Authenticator(AuthenticatorError::RecoveryCodeWrong),
            ) => Outcome::Wrong,
            // The password was right, or nobody has looked at it.
            Err(_) => Outcome::Open,
        }
    }

    /// A ticket is good for one try. Without Redis that holds in each instance, and not between them.
    async fn use_ticket(&self, context: &Context, inside: &Inside) -> Result<(), Error> {
        let Some(ticket) = &inside.ticket else { return Ok(()) };
        let is_fresh = match store::waiting_room::spend(&self.cluster, context, ticket).await {
            Ok(is_fresh) => is_fresh,
            Err(error) if error.retryable() => inside.spend_here(ticket),
            Err(error) => return Err(error.into()),
        };
        if is_fresh { Ok(()) } else { Err(Error::TicketUsed) }
    }

    fn may_sign_in(&self, account: &Account) -> bool {
        !account.is_blocked && (!account.is_demo || self.profile.accepts_demo())
    }

    /// What the account asks for besides its password. Whoever has an authenticator is asked on every device; personnel
    /// without one are let in where they have signed in before, and nowhere else.
    async fn second_factor(
        &self,
        context: &Context,
        account: &Account,
        typed: &Credentials,
        (aim, origin): (Aim, Origin<'_>),
    ) -> Result<Method, Error> {
        let Some(kept) = &account.totp_secret else {
            let is_known =
                origin.device.is_some_and(|device| device.known_since(account.person_id).is_some());
            let is_staff = account.memberships.iter().any(|membership| membership.role.is_staff());
            let is_open = is_known || !is_staff || aim == Aim::NewPassword;
            return if is_open {
                Ok(Method::Password)
            } else {
                Err(AuthenticatorError::EnrolmentRequired.into())
            };
        };
        match (typed.second_factor.as_ref().ok_or(Error::TotpRequired)?, aim) {
            (SecondFactor::Totp(code), Aim::Session | Aim::NewPassword) => {
                self.authenticators.use_totp_code(context, account.person_id, kept, code).await?;
            }
            (SecondFactor::Recovery(code), Aim::Session) => {
                self.authenticators.use_recovery_code(context, account.person_id, code).await?;
            }
            // Recovery codes lie where passwords lie: a forced reset asks for what only its person holds.
            (SecondFactor::Recovery(_), Aim::NewPassword) => return Err(Error::ResetRequired),
        }
        Ok(Method::PasswordAndTotp)
    }
}
