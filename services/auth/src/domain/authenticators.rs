//! Settles what proves who somebody is besides their password: a one-time code of their authenticator, or one of ten recovery codes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use shared::audit::{self, Actor, Entry};
use shared::context::Context;
use shared::pg::{Database, Work};
use uuid::Uuid;

use super::attempts::Attempts;
use super::codes::Code;
use super::revocation::Revocations;
use super::sealed::SealingKey;
use super::sealed_secret::SecretKeys;
use super::security_events::SecurityEvents;
use super::totp;
use crate::error::{AuthenticatorError, Error};
use crate::store;
use crate::store::authenticator::Own;

/// What somebody types besides a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecondFactor {
    /// The current code of the authenticator.
    Totp(String),
    /// One of the recovery codes, where the authenticator is lost.
    Recovery(String),
}

/// Checks second factors, and gives them. Cloning shares it.
#[derive(Clone)]
pub struct Authenticators {
    /// Accounts.
    pub database: Database,
    /// Whose attempts are held back.
    pub attempts: Attempts,
    /// What ends sessions where an authenticator is replaced by a printed code.
    pub revocations: Revocations,
    /// What secrets and recovery codes are kept under.
    pub keys: SecretKeys,
    /// What printed codes are stored under.
    pub code_key: SealingKey,
    /// What is kept of enrolments.
    pub events: SecurityEvents,
    /// Whose account it is, as an authenticator shows it.
    pub issuer: Arc<str>,
    /// Recovery codes used since the start.
    pub recoveries: Arc<AtomicU64>,
}

impl Authenticators {
    /// Whether a one-time code is the current one of the secret that is kept; it is then used up.
    pub async fn use_totp_code(
        &self,
        context: &Context,
        person_id: Uuid,
        kept: &str,
        code: &str,
    ) -> Result<(), Error> {
        let opened = self.keys.unseal(person_id, kept).ok_or_else(unreadable)?;
        let now = context.clock().unix_seconds();
        let step = totp::matching_step(&opened.secret, code, now).ok_or(Error::TotpWrong)?;
        let anew = opened.is_old.then(|| self.keys.seal(person_id, &opened.secret)).flatten();
        let anew = anew.as_deref().unwrap_or(kept);
        let mut transaction = self.database.begin(context, Work::Login).await?;
        if !store::authenticator::use_step(&mut transaction, person_id, step, (kept, anew)).await? {
            return Err(Error::TotpUsed);
        }
        Ok(transaction.commit().await?)
    }

    /// Uses up a recovery code. That ends nothing else: it is kept in the audit log with how many are left, and counted.
    pub async fn use_recovery_code(
        &self,
        context: &Context,
        person_id: Uuid,
        typed: &str,
    ) -> Result<(), Error> {
        let code = Code::parse(typed).ok_or(AuthenticatorError::RecoveryCodeWrong)?;
        let names: Vec<String> = self.keys.recoveries().map(|key| code.stored(key)).collect();
        let mut transaction = self.database.begin(context, Work::Login).await?;
        let now = context.clock().utc();
        let left = store::authenticator::use_recovery_code(&mut transaction, person_id, &names, now).await?;
        let left = left.ok_or(AuthenticatorError::RecoveryCodeWrong)?;
        let entry = entry(person_id, "recovery_code_used", json!({ "left": left }));
        audit::append(&mut transaction, &entry).await?;
        transaction.commit().await?;
        self.recoveries.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// What a person has besides a password.
    pub async fn own(&self, context: &Context, person_id: Uuid) -> Result<Own, Error> {
        let mut reader = self.database.read(context).await?;
        store::authenticator::find_own(&mut reader, person_id).await?.ok_or(Error::AccountGone)
    }

    /// Recovery codes used since the start, for `/statusz`.
    pub fn recovered(&self) -> u64 {
        self.recoveries.load(Ordering::Relaxed)
    }
}

/// What the audit log keeps of an act of a person on their own account.
pub(super) fn entry(person_id: Uuid, act: &'static str, details: serde_json::Value) -> Entry {
    let subject = format!("account:{person_id}");
    Entry { actor: Actor::Person(person_id), act, subject, authority: None, details }
}

/// Never taken for "has none": that would let whoever has the password in.
fn unreadable() -> Error {
    Error::Internal("the secret of an authenticator cannot be decrypted: is its key configured?".to_owned())
}
