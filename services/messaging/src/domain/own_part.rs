//! Settles what a school reads of an incident in which operators acted on accounts of other schools as well: the part that is its own.
//!
//! An act that names some of its people and some of others is shown without the others. Its entry in the audit log names them,
//! so it is shown without its place there and without what proves it: operators have both.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::audit::{Named, Proof};
use uuid::Uuid;

/// Where the details of an act name accounts.
const NAMING: [&str; 3] = ["/details/people", "/details/accounts", "/details/selector/ids"];

/// The accounts that an act is about.
pub fn accounts_of(act: &Value) -> Vec<Uuid> {
    let subject =
        act.get("subject").and_then(Value::as_str).and_then(|subject| subject.strip_prefix("account:"));
    let mut accounts: Vec<Uuid> = subject.and_then(|id| id.parse().ok()).into_iter().collect();
    for pointer in named_in(act) {
        accounts
            .extend(act.pointer(pointer).and_then(Value::as_array).into_iter().flatten().filter_map(id_of));
    }
    accounts
}

/// The acts that concern a school, each without the accounts that are not `own`.
pub fn of_acts(acts: Vec<Named>, school: Uuid, own: &BTreeSet<Uuid>) -> Vec<Named> {
    acts.into_iter().filter_map(|act| of_act(act, school, own)).collect()
}

/// What proves them.
pub fn of_proof(proof: Option<Proof>, acts: &[Named]) -> Option<Proof> {
    let positions: BTreeSet<u64> = acts.iter().filter_map(|act| act.position).collect();
    let mut proof = proof?;
    proof.entries.retain(|entry| positions.contains(&entry.position));
    Some(proof)
}

fn of_act(act: Named, school: Uuid, own: &BTreeSet<Uuid>) -> Option<Named> {
    let mut content: Value = serde_json::from_str(&act.content).ok()?;
    let place = content.pointer("/details/school").and_then(id_of);
    let named = accounts_of(&content);
    let is_own = |id: &Uuid| own.contains(id);
    if place.is_some_and(|place| place != school && !place.is_nil())
        || (!named.is_empty() && !named.iter().any(is_own))
    {
        return None;
    }
    if named.iter().all(is_own) {
        return Some(act);
    }
    for pointer in named_in(&content) {
        if let Some(Value::Array(ids)) = content.pointer_mut(pointer) {
            ids.retain(|id| id_of(id).is_some_and(|id| is_own(&id)));
        }
    }
    Some(Named { position: None, content: content.to_string() })
}

/// A recall names senders, or messages.
fn named_in(act: &Value) -> impl Iterator<Item = &'static str> + use<> {
    let is_of_messages = act.pointer("/details/selector/kind").is_some_and(|kind| kind == "messages");
    NAMING.into_iter().filter(move |pointer| !(is_of_messages && pointer.ends_with("/ids")))
}

fn id_of(value: &Value) -> Option<Uuid> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(subject: &str, details: &Value) -> Named {
        Named { position: Some(1), content: json!({ "subject": subject, "details": details }).to_string() }
    }

    #[test]
    fn an_act_is_shown_whole_in_part_or_not_at_all() {
        let [school, ours, theirs] = [1, 2, 3].map(Uuid::from_u128);
        let own = BTreeSet::from([ours]);
        let shown = |subject: String, details: Value| {
            let act = named(&subject, &details);
            let left = of_acts(vec![act.clone()], school, &own).pop();
            (
                left.as_ref() == Some(&act),
                left.map(|left| serde_json::from_str::<Value>(&left.content).unwrap()),
            )
        };
        let whole = [
            (format!("account:{ours}"), json!({})),
            ("incident:x".to_owned(), json!({ "people": [ours] })),
            ("restriction:x".to_owned(), json!({ "school": null })),
            ("response:x".to_owned(), json!({ "school": Uuid::nil(), "people": [ours] })),
            (
                "recall:x".to_owned(),
                json!({ "school": school, "selector": { "kind": "messages", "ids": [theirs] } }),
            ),
        ];
        for (subject, details) in whole {
            assert!(shown(subject, details.clone()).0, "{details}");
        }
        let nothing = [
            (format!("account:{theirs}"), json!({})),
            ("incident:x".to_owned(), json!({ "accounts": [theirs] })),
            ("recall:x".to_owned(), json!({ "selector": { "kind": "senders", "ids": [theirs] } })),
            ("recall:x".to_owned(), json!({ "school": theirs })),
        ];
        for (subject, details) in nothing {
            assert_eq!(shown(subject, details.clone()), (false, None), "{details}");
        }
        let (is_whole, left) = shown("response:x".to_owned(), json!({ "people": [theirs, ours] }));
        assert_eq!((is_whole, &left.unwrap()["details"]["people"]), (false, &json!([ours])));
    }
}
