//! Settles what a command says besides what is to be done: who gives it, and who demanded it.

use serde_json::Value;

use super::{Actor, Entry, Error, append};
use crate::pg::Transaction;

/// Who commands, and who demanded it.
#[derive(Debug, Clone)]
pub struct Order {
    /// Who commands.
    pub actor: Actor,
    /// Who demanded it: a head, a rectorate, the person.
    pub authority: String,
}

impl Order {
    /// Of whoever may run commands on the host.
    pub fn of_operator(authority: String) -> Self {
        Self { actor: Actor::Operator, authority }
    }

    /// Keeps in the audit log what was done, in its transaction.
    pub async fn keep(
        &self,
        transaction: &mut Transaction,
        act: &'static str,
        subject: String,
        details: Value,
    ) -> Result<(), Error> {
        let authority = Some(self.authority.clone());
        append(transaction, &Entry { actor: self.actor, act, subject, authority, details }).await
    }
}
