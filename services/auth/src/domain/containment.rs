//! Settles how an account that somebody has taken over is contained: locked, signed out everywhere, its password worth nothing, in one transaction.

use serde_json::json;
use shared::audit::{self, Actor, Entry};
use shared::context::Context;
use shared::pg::Work;
use uuid::Uuid;

use super::revocation::{Act, Revocations, Target, revoke_in};
use super::security_event::{Kind, SecurityEvent};
use crate::error::Error;
use crate::store;

/// A command to contain an account.
pub struct Command {
    /// Whose account.
    pub person_id: Uuid,
    /// Which sibling asks.
    pub caller: String,
    /// Its name for this command: the same twice is done once.
    pub key: String,
    /// Why, for the audit log.
    pub reason: String,
    /// Who demanded it, where somebody outside did.
    pub authority: Option<String>,
    /// Which incident it belongs to, if any.
    pub incident: Option<Uuid>,
}

/// Contains an account; returns the epoch of its revocation. When this returns it is durable, and known here; everywhere
/// else within a second. A code of an administrator opens the account again.
pub async fn contain(revocations: &Revocations, context: &Context, command: &Command) -> Result<i64, Error> {
    let Command { person_id, caller, key, .. } = command;
    let now = context.clock().utc();
    let mut transaction = revocations.database().begin(context, Work::Write).await?;
    let before = store::containment::begin(&mut transaction, (caller, key), *person_id, now).await?;
    if let Some(before) = before {
        let is_same = before.person_id == *person_id;
        return before.epoch.filter(|_| is_same).ok_or(Error::KeyReused);
    }
    if !store::containment::lock(&mut transaction, *person_id, now).await? {
        return Err(Error::NoAccount);
    }
    store::containment::withdraw_codes(&mut transaction, *person_id, now).await?;
    store::authenticator::withdraw_recovery_codes(&mut transaction, *person_id).await?;
    store::authenticator::withdraw_offer(&mut transaction, *person_id).await?;
    let mut details = json!({ "by": caller, "reason": command.reason });
    if let (Some(incident), Some(details)) = (command.incident, details.as_object_mut()) {
        details.insert("incident".to_owned(), json!(incident));
    }
    let act = Act {
        target: Target::Accounts(vec![*person_id]),
        actor: Actor::Service,
        authority: command.authority.clone(),
        details: details.clone(),
    };
    let raised = revoke_in(&mut transaction, &act).await?;
    let entry = Entry {
        actor: Actor::Service,
        act: "account_contained",
        subject: format!("account:{person_id}"),
        authority: command.authority.clone(),
        details,
    };
    audit::append(&mut transaction, &entry).await?;
    // It is a transaction anyway, so this event is never missing.
    let contained = SecurityEvent::now(&**context.clock(), Kind::AccountContained, None).of(*person_id, &[]);
    store::security_event::insert(&mut transaction, &[contained]).await?;
    store::containment::finish(&mut transaction, (caller, key), raised.epoch).await?;
    transaction.commit().await?;
    revocations.announce(context).await;
    Ok(raised.epoch)
}
