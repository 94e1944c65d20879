//! Settles what an incident is: what happened, since when, whom it concerns, and whether it is still open.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Accounts are used by others than their people.
    HijackedAccounts,
    /// More is asked than honest people ask.
    Flood,
    /// Something else.
    Other,
}

impl Kind {
    /// As it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::HijackedAccounts => "hijacked_accounts",
            Self::Flood => "flood",
            Self::Other => "other",
        }
    }
}

/// An incident that is opened.
#[derive(Debug, Clone)]
pub struct NewIncident {
    /// What happened.
    pub kind: Kind,
    /// In a few words, without names.
    pub title: String,
    /// Which schools; none: all of them.
    pub school_ids: Vec<Uuid>,
    /// Whose accounts.
    pub accounts: Vec<Uuid>,
    /// From which networks; only operators name them.
    pub networks: Vec<String>,
    /// Since when.
    pub starts_at: DateTime<Utc>,
}

/// An incident.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Incident {
    /// The incident.
    pub id: Uuid,
    /// What happened.
    pub kind: Kind,
    /// In a few words.
    pub title: String,
    /// Who demanded that it be opened.
    pub authority: String,
    /// Which schools; none: all of them.
    pub school_ids: Vec<Uuid>,
    /// Whose accounts.
    pub accounts: Vec<Uuid>,
    /// From which networks.
    pub networks: Vec<String>,
    /// Since when.
    pub starts_at: DateTime<Utc>,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// By whom; by an operator when absent.
    pub opened_by: Option<Uuid>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
}

impl Incident {
    /// Until when what happened belongs to it.
    pub fn ends_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.closed_at.unwrap_or(now)
    }

    /// Whether it concerns one school and no other, and nothing but its accounts: then it is that school's own.
    pub fn is_of(&self, school: Uuid) -> bool {
        self.school_ids == [school] && self.networks.is_empty()
    }
}

/// What somebody wrote down.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Note {
    /// The note.
    pub id: Uuid,
    /// When.
    pub noted_at: DateTime<Utc>,
    /// Who; an operator when absent.
    pub noted_by: Option<Uuid>,
    /// Who demanded it.
    pub authority: String,
    /// The text.
    pub text: String,
}

/// What is still in force when an incident is closed, and stays so until somebody ends it.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Remaining {
    /// One line for each thing.
    pub in_force: Vec<String>,
}
