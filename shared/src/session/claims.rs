//! Settles what an access token says of a person: who, since when, and which roles in which schools.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// How long ago somebody may have proved who they are for it to count as just now, in seconds.
const FRESH_S: u64 = 900;

/// What a person is in a school. The French terms are in `docs/glossary.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum Role {
    /// Élève.
    Student,
    /// Responsable d'élève.
    Guardian,
    /// Enseignant.
    Teacher,
    /// Direction.
    Principal,
    /// Vie scolaire.
    SchoolLife,
    /// Personnel administratif et technique.
    Staff,
    /// Administrateur local.
    LocalAdmin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Student,
        Self::Guardian,
        Self::Teacher,
        Self::Principal,
        Self::SchoolLife,
        Self::Staff,
        Self::LocalAdmin,
    ];

    /// The name in tokens, tables and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Student => "Student",
            Self::Guardian => "Guardian",
            Self::Teacher => "Teacher",
            Self::Principal => "Principal",
            Self::SchoolLife => "SchoolLife",
            Self::Staff => "Staff",
            Self::LocalAdmin => "LocalAdmin",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether this is a role of the school's personnel.
    pub fn is_staff(self) -> bool {
        match self {
            Self::Student | Self::Guardian => false,
            Self::Teacher | Self::Principal | Self::SchoolLife | Self::Staff | Self::LocalAdmin => true,
        }
    }
}

/// One role in one school.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Membership {
    /// The school.
    pub school: Uuid,
    /// What the person is there.
    pub role: Role,
    /// Epoch of this membership: raised when it is revoked.
    #[serde(rename = "ep")]
    #[schema(ignore)]
    pub epoch: i64,
}

/// The content of an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// The person.
    pub sub: Uuid,
    /// The session.
    pub sid: Uuid,
    /// Epoch of the account: raised when its sessions are revoked.
    pub ep: i64,
    /// The person's roles.
    pub mem: Vec<Membership>,
    /// When the person proved who they are, in Unix seconds.
    pub auth_time: u64,
    /// How (RFC 8176): `pwd`, `otp`.
    pub amr: Vec<String>,
    /// Since when the account knows this device, and has its password if a printed code has set it, in Unix seconds.
    pub dev_since: u64,
    /// Whether the token was issued without its session store: short-lived and good for nothing sensitive.
    pub deg: bool,
    /// Issued at, in Unix seconds.
    pub iat: u64,
    /// Expires at, in Unix seconds.
    pub exp: u64,
}

impl Claims {
    /// The schools that this person belongs to, each once.
    pub fn schools(&self) -> Vec<Uuid> {
        let mut schools: Vec<Uuid> = self.mem.iter().map(|membership| membership.school).collect();
        schools.sort_unstable();
        schools.dedup();
        schools
    }

    /// Whether the person has proved who they are within [`FRESH_S`].
    pub fn is_fresh(&self, now_s: u64) -> bool {
        now_s.saturating_sub(self.auth_time) <= FRESH_S
    }

    /// The same by a one-time code, as administration asks.
    pub fn has_fresh_code(&self, now_s: u64) -> bool {
        self.amr.iter().any(|method| method == "otp") && self.is_fresh(now_s)
    }

    /// Whether the person has one of `roles` in `school`.
    pub fn has_role(&self, school: Uuid, roles: &[Role]) -> bool {
        self.mem.iter().any(|membership| membership.school == school && roles.contains(&membership.role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_serde_writes() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
            assert_eq!(Role::parse(role.name()), Some(role));
        }
        assert_eq!(Role::parse("student"), None);
    }
}
