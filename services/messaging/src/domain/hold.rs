//! Settles what a hold is: why a message waits for a second look, who may give it, and until when.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::detection::verdict::{self, Reason};

/// Nobody's message is delivered or refused after a week without a look: then it counts as refused.
pub const HELD_FOR: TimeDelta = TimeDelta::days(HELD_DAYS);
/// The same for SQL.
pub const HELD_DAYS: i64 = 7;

/// Why a message waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Why {
    /// For programs.
    pub code: String,
    /// For people.
    pub detail: String,
}

impl From<Reason> for Why {
    fn from(reason: Reason) -> Self {
        Self { code: reason.name().to_owned(), detail: reason.reason().to_owned() }
    }
}

/// Who may release a held message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReleasedBy {
    /// Whoever sent it, by a one-time code that is typed after the hold; or a reviewer.
    Sender,
    /// A reviewer of the school: the head, a local administrator.
    Reviewer,
}

impl ReleasedBy {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Reviewer => "reviewer",
        }
    }
}

/// Why a message waits, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Never empty.
    pub reasons: Vec<Why>,
    /// Who may release it.
    pub released_by: ReleasedBy,
}

impl From<verdict::Hold> for Hold {
    fn from(hold: verdict::Hold) -> Self {
        let released_by = match hold.release {
            verdict::Release::Sender => ReleasedBy::Sender,
            verdict::Release::Reviewer => ReleasedBy::Reviewer,
        };
        Self { reasons: hold.reasons.into_iter().map(Why::from).collect(), released_by }
    }
}

impl Hold {
    /// While a restriction of the school lets nothing through without a look.
    pub fn of_restriction() -> Self {
        let detail = "For now, messages like this one wait in your school until somebody has looked at them.";
        let why = Why { code: "restriction".to_owned(), detail: detail.to_owned() };
        Self { reasons: vec![why], released_by: ReleasedBy::Reviewer }
    }

    /// For both reasons; whoever is stricter says who may release it.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.reasons.extend(other.reasons);
        let is_either = [self.released_by, other.released_by].contains(&ReleasedBy::Reviewer);
        self.released_by = if is_either { ReleasedBy::Reviewer } else { ReleasedBy::Sender };
        self
    }
}

/// What came of a second look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It went to its recipients.
    Released,
    /// It did not.
    Refused,
}

impl Outcome {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Refused => "refused",
        }
    }
}

/// What the sender is told of a message that waits, or has waited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldView {
    /// Why.
    pub reasons: Vec<Why>,
    /// Who may release it.
    pub released_by: ReleasedBy,
    /// When it counts as refused, if nobody has looked at it.
    pub until: DateTime<Utc>,
    /// What somebody has decided; absent while nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// In the words of whoever decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl HoldView {
    /// Of a message that has just been held.
    pub fn new(hold: &Hold, now: DateTime<Utc>) -> Self {
        Self {
            reasons: hold.reasons.clone(),
            released_by: hold.released_by,
            until: now + HELD_FOR,
            outcome: None,
            note: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_stricter_says_who_may_release() {
        let hold = |released_by| {
            let why = Why { code: "night".to_owned(), detail: "It was late.".to_owned() };
            Hold { reasons: vec![why], released_by }
        };
        let own = hold(ReleasedBy::Sender);
        let both = Hold::of_restriction().and(own.clone());
        assert_eq!((both.reasons.len(), both.released_by), (2, ReleasedBy::Reviewer));
        assert_eq!(own.clone().and(Hold::of_restriction()).released_by, ReleasedBy::Reviewer);
        assert_eq!(own.clone().and(own).released_by, ReleasedBy::Sender);
    }
}
