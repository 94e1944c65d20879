//! Settles which messages a recall withdraws, what is decided about it afterwards, and how much it concerns.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use shared::session::Role;
use utoipa::ToSchema;
use uuid::Uuid;

/// Most senders that one recall names.
pub const MOST_SENDERS: usize = 500;
/// Most messages that one recall names one by one.
pub const MOST_NAMED: usize = 1_000;
/// Most messages that one recall withdraws: it is one transaction, which holds up sends of the school for as long.
pub const MOST_MESSAGES: i64 = 100_000;
/// How far back the people of a school reach; operators reach everything.
pub const FARTHEST: TimeDelta = TimeDelta::days(30);

/// Which messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Selector {
    /// What these people sent.
    Senders {
        /// The people, 1 to 500.
        ids: Vec<Uuid>,
        /// Since then.
        since: DateTime<Utc>,
        /// Before then; without it up to now, with all that is being sent.
        until: Option<DateTime<Utc>>,
    },
    /// What was sent in a school for a while.
    Window {
        /// Since then.
        since: DateTime<Utc>,
        /// Before then; without it up to now, with all that is being sent.
        until: Option<DateTime<Utc>>,
        /// By people who have no other roles than these in the school; by everybody when it is empty.
        #[serde(default)]
        roles: Vec<Role>,
    },
    /// What is like one message, as [`Fingerprint`](super::detection::fingerprint::Fingerprint) compares texts, and the message itself.
    Alike {
        /// The message, of the same school; of any for operators.
        message_id: Uuid,
        /// Since then.
        since: DateTime<Utc>,
        /// Before then; without it up to now, with all that is being sent.
        until: Option<DateTime<Utc>>,
    },
    /// These messages of a school.
    Messages {
        /// The messages, 1 to 1,000.
        ids: Vec<Uuid>,
    },
}

impl Selector {
    /// Whether it can be told in one school only.
    pub fn needs_school(&self) -> bool {
        match self {
            Self::Senders { .. } | Self::Alike { .. } => false,
            Self::Window { .. } | Self::Messages { .. } => true,
        }
    }

    /// Whether somebody named the messages, their text or their senders: only these texts are held when they come again.
    pub fn is_of_texts(&self) -> bool {
        match self {
            Self::Senders { .. } | Self::Alike { .. } | Self::Messages { .. } => true,
            Self::Window { .. } => false,
        }
    }

    /// What is wrong with it; `farthest` is how far back it may reach.
    pub fn fault(&self, now: DateTime<Utc>, farthest: Option<TimeDelta>) -> Option<&'static str> {
        let window = |since: &DateTime<Utc>, until: &Option<DateTime<Utc>>| {
            let is_backwards = until.is_some_and(|until| until <= *since);
            let is_far = farthest.is_some_and(|farthest| *since < now - farthest);
            if *since >= now || is_backwards {
                Some("since: before now, and before until")
            } else {
                is_far.then_some("since: 30 days ago at most")
            }
        };
        match self {
            Self::Senders { ids, .. } if !(1..=MOST_SENDERS).contains(&ids.len()) => {
                Some("ids: 1 to 500 senders")
            }
            Self::Messages { ids } if !(1..=MOST_NAMED).contains(&ids.len()) => {
                Some("ids: 1 to 1000 messages")
            }
            Self::Window { roles, .. } if roles.len() > Role::ALL.len() => Some("roles: 7 at most"),
            Self::Senders { since, until, .. }
            | Self::Window { since, until, .. }
            | Self::Alike { since, until, .. } => window(since, until),
            Self::Messages { .. } => None,
        }
    }
}

/// What becomes of a quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Its messages are shown again, as they were.
    Restored,
    /// They stay hidden for good.
    Final,
}

impl Decision {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Restored => "restored",
            Self::Final => "final",
        }
    }
}

/// How much a recall concerns in one school, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Extent {
    /// The school.
    pub school_id: Uuid,
    /// Messages.
    pub messages: i64,
    /// Of these, messages that were not chosen and quote one that was.
    pub quoting: i64,
    /// Copies in mailboxes.
    pub copies: i64,
    /// Copies that had been read.
    pub read: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minute)
    }

    #[test]
    fn a_selector_names_something_and_lies_in_the_past() {
        let senders = |count: u128, since: i64, until: Option<i64>| Selector::Senders {
            ids: (0..count).map(Uuid::from_u128).collect(),
            since: at(since),
            until: until.map(at),
        };
        let window = |since: i64| Selector::Window { since: at(since), until: None, roles: vec![] };
        let alike = |since: i64| Selector::Alike { message_id: Uuid::nil(), since: at(since), until: None };
        let messages = |count: u128| Selector::Messages { ids: (0..count).map(Uuid::from_u128).collect() };
        let far = -31 * 24 * 60;
        let table = [
            (senders(1, -5, None), true),
            (senders(500, -5, Some(-1)), true),
            (senders(0, -5, None), false),
            (senders(501, -5, None), false),
            (senders(1, 0, None), false),
            (senders(1, -5, Some(-5)), false),
            (senders(1, far, None), false),
            (window(-5), true),
            (window(far), false),
            (alike(-5), true),
            (alike(0), false),
            (alike(far), false),
            (messages(1), true),
            (messages(0), false),
            (messages(1_001), false),
        ];
        for (selector, is_good) in table {
            assert_eq!(selector.fault(at(0), Some(FARTHEST)).is_none(), is_good, "{selector:?}");
        }
        assert_eq!(senders(1, far, None).fault(at(0), None), None, "operators reach everything");
    }
}
