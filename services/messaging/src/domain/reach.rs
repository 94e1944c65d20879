//! Settles whom a message reaches, and that its sender may write to them.

use shared::pg::Transaction;
use shared::session::Role;
use uuid::Uuid;

use super::audience::Audience;
use super::budget::MOST_RECIPIENTS;
use super::communication_rule::{Rules, Target, check};
use super::sender::{Sender, roles_in};
use crate::error::Error;
use crate::store;

/// Whom a message reaches.
#[derive(Debug)]
pub struct Reach {
    /// The people, without the sender; one more than [`MOST_RECIPIENTS`] where there are more than that.
    pub recipients: Vec<Uuid>,
    /// The roles of each kind of recipient, each kind once.
    pub kinds: Vec<Vec<Role>>,
}

/// The people of an audience now, if the rules let the sender write to it.
pub async fn reach(
    transaction: &mut Transaction,
    rules: &Rules,
    sender: &Sender<'_>,
    audience: &Audience,
) -> Result<Reach, Error> {
    let (school_id, sender_id) = (audience.school_id(), sender.claims.sub);
    let roles = roles_in(sender.claims, school_id);
    let most = i64::try_from(MOST_RECIPIENTS + 1).unwrap_or(i64::MAX);
    let allowed = |target: &Target| check(rules, &roles, target).map_err(Error::Refused);
    let (recipients, kinds) = match audience {
        Audience::Role { role, .. } => {
            allowed(&Target::Role(*role))?;
            let people = store::recipient::list_of_role(transaction, school_id, *role, sender_id, most);
            (people.await?, vec![vec![*role]])
        }
        Audience::Group { id, parts, .. } => {
            let group = (school_id, *id);
            let found = store::recipient::list_of_group(transaction, group, parts, sender_id, most).await?;
            let (relation, recipients) = found.ok_or(Error::GroupNotFound)?;
            allowed(&Target::Group(relation, parts.clone()))?;
            (recipients, parts.iter().map(|part| vec![part.role()]).collect())
        }
        Audience::People { ids, .. } => {
            let relations = store::roster::person_relations(transaction, school_id, ids, sender_id).await?;
            if !ids.iter().all(|id| relations.contains_key(id)) {
                return Err(Error::UnknownRecipient);
            }
            let mut recipients: Vec<Uuid> = relations.keys().copied().filter(|id| *id != sender_id).collect();
            recipients.sort_unstable();
            let mut kinds: Vec<Vec<Role>> = relations.values().map(|person| person.roles.clone()).collect();
            kinds.sort_unstable();
            kinds.dedup();
            relations.into_values().map(Target::Person).try_for_each(|target| allowed(&target))?;
            (recipients, kinds)
        }
    };
    if recipients.is_empty() { Err(Error::NoRecipients) } else { Ok(Reach { recipients, kinds }) }
}
