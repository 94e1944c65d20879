//! Settles what a command says besides what is to be done: who gives it, and who demanded it.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Actor, Entry, Error, append};
use crate::pg::Transaction;

/// Who commands, and who demanded it.
#[derive(Debug, Clone)]
pub struct Order {
    /// Who commands.
    pub actor: Actor,
    /// Who demanded it: a head, a rectorate, the person.
    pub authority: String,
    /// Which incident it belongs to, if any.
    pub incident: Option<Uuid>,
}

impl Order {
    /// A command of its own.
    pub fn new(actor: Actor, authority: String) -> Self {
        Self { actor, authority, incident: None }
    }

    /// Of whoever may run commands on the host.
    pub fn of_operator(authority: String) -> Self {
        Self::new(Actor::Operator, authority)
    }

    /// The same, in an incident: its timeline has what was done.
    #[must_use]
    pub fn in_incident(self, incident: Option<Uuid>) -> Self {
        Self { incident, ..self }
    }

    /// Keeps in the audit log what was done, in its transaction.
    pub async fn keep(
        &self,
        transaction: &mut Transaction,
        act: &'static str,
        subject: String,
        mut details: Value,
    ) -> Result<(), Error> {
        if let (Some(incident), Some(details)) = (self.incident, details.as_object_mut()) {
            details.insert("incident".to_owned(), json!(incident));
        }
        let authority = Some(self.authority.clone());
        append(transaction, &Entry { actor: self.actor, act, subject, authority, details }).await
    }
}
