//! Settles whom a message is for: some people, a class or group, or everybody with a role in a school.

use serde::{Deserialize, Serialize};
use shared::session::Role;
use utoipa::ToSchema;
use uuid::Uuid;

/// Whom a message is for. It is resolved from messaging's own tables when the message is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Audience {
    /// These people, all of one school.
    People {
        /// The school.
        school_id: Uuid,
        /// The people.
        ids: Vec<Uuid>,
    },
    /// A class or teaching group.
    Group {
        /// The school.
        school_id: Uuid,
        /// The group.
        id: Uuid,
        /// Which of its people.
        parts: Vec<Part>,
    },
    /// Everybody with this role in the school.
    Role {
        /// The school.
        school_id: Uuid,
        /// The role.
        role: Role,
    },
}

/// Some of the people of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Its pupils.
    Student,
    /// Its teachers.
    Teacher,
    /// Guardians of its pupils.
    Guardian,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 3] = [Self::Student, Self::Teacher, Self::Guardian];

    /// The role of its people.
    pub fn role(self) -> Role {
        match self {
            Self::Student => Role::Student,
            Self::Teacher => Role::Teacher,
            Self::Guardian => Role::Guardian,
        }
    }

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Teacher => "teacher",
            Self::Guardian => "guardian",
        }
    }
}

impl Audience {
    /// The school in which the message is sent.
    pub fn school_id(&self) -> Uuid {
        match self {
            Self::People { school_id, .. } | Self::Group { school_id, .. } | Self::Role { school_id, .. } => {
                *school_id
            }
        }
    }
}
