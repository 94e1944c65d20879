//! Settles what is said of revocations, in streams and on pages alike: what, at which epoch, and between which epochs nothing is missing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::session::Role;

/// What is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Scope {
    /// One session.
    Session {
        /// The session.
        sid: Uuid,
    },
    /// All sessions of an account.
    Account {
        /// The person.
        person: Uuid,
    },
    /// A role of one person in a school: tokens that carry it, not the session.
    Membership {
        /// The school.
        school: Uuid,
        /// The person.
        person: Uuid,
        /// The role.
        role: Role,
    },
    /// All sessions of those who have a role in a school.
    Role {
        /// The school.
        school: Uuid,
        /// The role.
        role: Role,
    },
    /// All sessions of those who belong to a school.
    School {
        /// The school.
        school: Uuid,
    },
}

/// One revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// What is revoked.
    pub scope: Scope,
    /// Its number: what was issued at a lower epoch is refused.
    pub epoch: i64,
}

/// What was revoked after one epoch and up to another; nothing in between is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct News {
    /// It goes on after this epoch.
    pub after: i64,
    /// It ends with this one.
    pub upto: i64,
    /// The highest epoch there was when it was read; above `upto` where there is more.
    pub published: i64,
    /// What was revoked, without what is so old that no token can be older.
    pub revocations: Vec<Revocation>,
}

impl News {
    /// Whether there is more to be read.
    pub fn has_more(&self) -> bool {
        self.upto < self.published
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let scopes = [
            Scope::Session { sid: Uuid::from_u128(1) },
            Scope::Account { person: Uuid::from_u128(2) },
            Scope::Membership { school: Uuid::from_u128(3), person: Uuid::from_u128(2), role: Role::Staff },
            Scope::Role { school: Uuid::from_u128(3), role: Role::Student },
            Scope::School { school: Uuid::from_u128(3) },
        ];
        let revocations = scopes.map(|scope| Revocation { scope, epoch: 7 }).to_vec();
        let news = News { after: 6, upto: 11, published: 12, revocations };
        let text = serde_json::to_string(&news).unwrap();
        assert!(text.contains(r#"{"scope":{"kind":"role","school":"#), "{text}");
        assert_eq!(serde_json::from_str::<News>(&text).unwrap(), news);
        assert!(news.has_more());
    }
}
