//! Settles what the log says of an act: who did what to whom, on whose demand, when, in which request.

use chrono::SecondsFormat;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Error;
use super::canonical::canonical;
use crate::context::Context;
use crate::ids;
use crate::pg::Transaction;

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in person.
    Person(Uuid),
    /// Whoever runs a command of the service on its host.
    Operator,
    /// The service itself, by a rule of its own.
    Service,
}

/// An act worth keeping for ever. It holds ids, never names or texts: people's data stays where it can be deleted.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Who acts.
    pub actor: Actor,
    /// What was done, in the past tense, such as `session_family_ended`.
    pub act: &'static str,
    /// To whom or what: a kind and an id, such as `session:0190…`.
    pub subject: String,
    /// Who demanded it, where somebody outside did: a rectorate, the police, a school.
    pub authority: Option<String>,
    /// What else belongs to it. Whole numbers only.
    pub details: Value,
}

impl Entry {
    /// The leaf: canonical JSON, so that its hash depends on what is said alone.
    pub(super) fn content(&self, context: &Context) -> Result<String, Error> {
        let at = context.clock().utc().to_rfc3339_opts(SecondsFormat::Millis, true);
        let trace_id = context.traceparent().and_then(|header| header.split('-').nth(1));
        Ok(canonical(&json!({
            "id": ids::new_id(&**context.clock()),
            "at": at,
            "actor": self.actor.json(),
            "act": self.act,
            "subject": self.subject,
            "authority": self.authority,
            "trace_id": trace_id,
            "details": self.details,
        }))?)
    }
}

impl Actor {
    fn json(self) -> Value {
        match self {
            Self::Person(id) => json!({ "kind": "person", "id": id }),
            Self::Operator => json!({ "kind": "operator" }),
            Self::Service => json!({ "kind": "service" }),
        }
    }
}

/// Adds an entry to the log in the transaction of its act: both are kept, or neither.
pub async fn append(transaction: &mut Transaction, entry: &Entry) -> Result<(), Error> {
    let content = entry.content(transaction.context())?;
    transaction.execute("insert into audit_leaf (content) values ($1)", &[&content]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ManualClock;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn an_entry_is_canonical_json_with_its_time_and_trace() {
        let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
        let context =
            Context::new(Arc::new(ManualClock::default()), Duration::from_secs(1), Some(traceparent));
        let entry = Entry {
            actor: Actor::Person(Uuid::nil()),
            act: "school_closed",
            subject: "school:1".to_owned(),
            authority: Some("rectorat".to_owned()),
            details: json!({ "b": 1, "a": 2 }),
        };
        let leaf = entry.content(&context).unwrap();
        let id = serde_json::from_str::<Value>(&leaf).unwrap()["id"].as_str().unwrap().to_owned();
        let expected = r#"{"act":"school_closed","actor":{"id":"00000000-0000-0000-0000-000000000000","kind":"person"},"at":"2026-09-01T06:00:00.000Z","authority":"rectorat","details":{"a":2,"b":1},"id":"ID","subject":"school:1","trace_id":"0af7651916cd43dd8448eb211c80319c"}"#;
        assert_eq!(leaf, expected.replace("ID", &id));
        let fraction = Entry { details: json!(0.5), ..entry };
        assert!(matches!(fraction.content(&context), Err(Error::NotCanonical(_))));
    }
}
