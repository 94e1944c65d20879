//! Settles how a person gets an authenticator: its secret is shown once, and counts when a code of it has been typed.
//!
//! A password alone never gives one where a second factor is required: whoever stole it could enrol an own authenticator.
//! Signed-in people enrol after a fresh sign-in, or with a fresh one-time code where they replace one; everybody else needs a
//! printed code of their school (`docs/decisions/0032`).

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::audit::{self, Actor};
use shared::context::Context;
use shared::ids;
use shared::pg::{Transaction, Work};
use shared::session::Claims;
use totp_rs::Secret;
use uuid::Uuid;

use super::administration::is_fresh;
use super::attempts::{Attempt, Origin, Outcome};
use super::authenticators::{Authenticators, entry};
use super::codes::{Code, Purpose};
use super::revocation::{Act, Target, revoke_in};
use super::security_event::{Kind, Seen};
use super::totp;
use crate::error::{AuthenticatorError, Error};
use crate::store;

/// Bytes of a new secret (RFC 4226, section 4: 160 bits are recommended).
const SECRET_BYTES: usize = 20;
/// Time to scan it and to type a code.
const CONFIRMED_WITHIN: TimeDelta = TimeDelta::minutes(15);
/// Recovery codes that a person has at once.
pub const RECOVERY_CODES: usize = 10;

/// An authenticator that is offered, said once.
pub struct Offer {
    /// Base32, for whoever types it.
    pub secret: String,
    /// The same with the account's name, as a QR code carries it.
    pub otpauth_uri: String,
    /// A code must be typed before.
    pub confirm_before: DateTime<Utc>,
}

/// Somebody with a printed code.
pub struct Typed {
    /// Login.
    pub login: String,
    /// What an administrator printed.
    pub code: String,
}

impl Authenticators {
    /// Offers the caller an authenticator, in place of the one they have.
    pub async fn offer(&self, context: &Context, caller: &Claims) -> Result<Offer, Error> {
        let mut transaction = self.database.begin(context, Work::Write).await?;
        let found = store::authenticator::find(&mut transaction, caller.sub).await?;
        let found = found.ok_or(Error::AccountGone)?;
        let now = context.clock().unix_seconds();
        if found.has_authenticator {
            is_fresh(caller, now)?;
        } else if !caller.is_fresh(now) {
            return Err(AuthenticatorError::FreshSignInRequired.into());
        }
        self.offer_in(context, transaction, caller.sub, &found.login).await
    }

    /// The same for whoever holds a printed code, which stays good until the confirmation.
    pub async fn offer_by_code(
        &self,
        context: &Context,
        origin: Origin<'_>,
        typed: &Typed,
    ) -> Result<Offer, Error> {
        let (attempt, login) = self.begin(context, origin, typed).await?;
        let outcome = async {
            let (person_id, _) = self.find(context, &login, typed).await?;
            let transaction = self.database.begin(context, Work::Write).await?;
            self.offer_in(context, transaction, person_id, &login).await
        };
        let outcome = outcome.await;
        self.end(context, &attempt, &outcome).await?;
        outcome
    }

    /// What was offered counts from now on. Returns new recovery codes; those before are good no more.
    pub async fn confirm(
        &self,
        context: &Context,
        caller: &Claims,
        seen: Seen<'_>,
        code: &str,
    ) -> Result<Vec<String>, Error> {
        let attempt = self.attempts.begin_step_up(context, caller.sub).await?;
        let outcome = async {
            let mut transaction = self.database.begin(context, Work::Write).await?;
            let codes = self.confirm_in(context, &mut transaction, caller.sub, code, "session").await?;
            transaction.commit().await?;
            Ok(codes)
        };
        let outcome = outcome.await;
        self.end(context, &attempt, &outcome).await?;
        if outcome.is_ok() {
            let enrolled = self.events.now(Kind::AuthenticatorEnrolled, Some("session"));
            self.events.note(enrolled.in_session(caller.sid, seen).of(caller.sub, &caller.mem));
        }
        outcome
    }

    /// The same with a printed code, which is used up. Ends all sessions: the authenticator of before may be in other hands.
    pub async fn confirm_by_code(
        &self,
        context: &Context,
        origin: Origin<'_>,
        typed: &Typed,
        code: &str,
    ) -> Result<Vec<String>, Error> {
        let (attempt, login) = self.begin(context, origin, typed).await?;
        let outcome = self.confirm_typed(context, &login, typed, code).await;
        self.end(context, &attempt, &outcome).await?;
        let (person_id, codes) = outcome?;
        let enrolled = self.events.now(Kind::AuthenticatorEnrolled, Some("printed_code"));
        self.events.note(enrolled.from(origin).of(person_id, &[]));
        Ok(codes)
    }

    /// New recovery codes for the caller; those before are good no more.
    pub async fn renew_recovery_codes(
        &self,
        context: &Context,
        caller: &Claims,
    ) -> Result<Vec<String>, Error> {
        is_fresh(caller, context.clock().unix_seconds())?;
        let mut transaction = self.database.begin(context, Work::Write).await?;
        let found = store::authenticator::find(&mut transaction, caller.sub).await?;
        if !found.is_some_and(|found| found.has_authenticator) {
            return Err(AuthenticatorError::NoAuthenticator.into());
        }
        let codes = self.new_codes_in(context, &mut transaction, caller.sub).await?;
        let entry = entry(caller.sub, "recovery_codes_renewed", json!({ "count": codes.len() }));
        audit::append(&mut transaction, &entry).await?;
        transaction.commit().await?;
        Ok(codes)
    }

    async fn begin(
        &self,
        context: &Context,
        origin: Origin<'_>,
        typed: &Typed,
    ) -> Result<(Attempt, String), Error> {
        let login = typed.login.trim().to_lowercase();
        Ok((self.attempts.begin_code(context, &login, origin).await?, login))
    }

    async fn end<T>(
        &self,
        context: &Context,
        attempt: &Attempt,
        outcome: &Result<T, Error>,
    ) -> Result<(), Error> {
        let ended = match outcome {
            Ok(_) => Outcome::Right,
            Err(Error::CodeWrong | Error::TotpWrong) => Outcome::Wrong,
            Err(_) => Outcome::Open,
        };
        self.attempts.end(context, attempt, ended).await
    }

    /// Whose printed code this is, and under which name it is stored.
    async fn find(&self, context: &Context, login: &str, typed: &Typed) -> Result<(Uuid, String), Error> {
        let stored = Code::parse(&typed.code).ok_or(Error::CodeWrong)?.stored(&self.code_key);
        let purpose = Purpose::Authenticator.name();
        let mut reader = self.database.reader(context, Work::Login).await?;
        let found = store::code::find(&mut reader, (&stored, purpose), login, context.clock().utc()).await?;
        Ok((found.ok_or(Error::CodeWrong)?.person_id, stored))
    }

    async fn offer_in(
        &self,
        context: &Context,
        mut transaction: Transaction,
        person_id: Uuid,
        login: &str,
    ) -> Result<Offer, Error> {
        let secret = Secret::Raw(ids::random_bytes::<SECRET_BYTES>().to_vec()).to_encoded().to_string();
        let sealed = self.keys.seal(person_id, &secret).ok_or_else(no_key)?;
        let confirm_before = context.clock().utc() + CONFIRMED_WITHIN;
        store::authenticator::offer(&mut transaction, person_id, &sealed, confirm_before).await?;
        transaction.commit().await?;
        let otpauth_uri = totp::uri(&self.issuer, login, &secret);
        Ok(Offer { secret, otpauth_uri, confirm_before })
    }

    async fn confirm_typed(
        &self,
        context: &Context,
        login: &str,
        typed: &Typed,
        code: &str,
    ) -> Result<(Uuid, Vec<String>), Error> {
        let (person_id, stored) = self.find(context, login, typed).await?;
        let mut transaction = self.database.begin(context, Work::Write).await?;
        let codes = self.confirm_in(context, &mut transaction, person_id, code, "printed_code").await?;
        if !store::code::redeem(&mut transaction, &stored, context.clock().utc()).await? {
            return Err(Error::CodeWrong);
        }
        let details = json!({ "reason": "authenticator_enrolled" });
        let (target, actor) = (Target::Accounts(vec![person_id]), Actor::Person(person_id));
        revoke_in(&mut transaction, &Act { target, actor, authority: None, details }).await?;
        transaction.commit().await?;
        self.revocations.announce(context).await;
        Ok((person_id, codes))
    }

    async fn confirm_in(
        &self,
        context: &Context,
        transaction: &mut Transaction,
        person_id: Uuid,
        code: &str,
        by: &str,
    ) -> Result<Vec<String>, Error> {
        let now = context.clock().utc();
        let sealed = store::authenticator::take_offer(transaction, person_id, now).await?;
        let sealed = sealed.ok_or(AuthenticatorError::NothingOffered)?;
        let opened = self.keys.unseal(person_id, &sealed).ok_or(AuthenticatorError::NothingOffered)?;
        let step = totp::matching_step(&opened.secret, code, context.clock().unix_seconds());
        let step = step.ok_or(Error::TotpWrong)?;
        store::authenticator::enrol(transaction, person_id, &sealed, step).await?;
        audit::append(transaction, &entry(person_id, "authenticator_enrolled", json!({ "by": by }))).await?;
        self.new_codes_in(context, transaction, person_id).await
    }

    async fn new_codes_in(
        &self,
        context: &Context,
        transaction: &mut Transaction,
        person_id: Uuid,
    ) -> Result<Vec<String>, Error> {
        let key = self.keys.recovery().ok_or_else(no_key)?;
        let codes: Vec<Code> = (0..RECOVERY_CODES).map(|_| Code::new()).collect();
        let names: Vec<String> = codes.iter().map(|code| code.stored(key)).collect();
        let now = context.clock().utc();
        store::authenticator::replace_recovery_codes(transaction, person_id, &names, now).await?;
        Ok(codes.iter().map(Code::print).collect())
    }
}

fn no_key() -> Error {
    Error::Internal("there is no key for authenticators".to_owned())
}
