//! Settles what a send knows of whoever sends: what their token says, and whether it is good for sensitive acts now.

use shared::http::{Caller, NotSensitive};
use shared::session::{Claims, Role};
use uuid::Uuid;

/// Somebody who sends.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// What the token says.
    pub claims: &'a Claims,
    /// Whether it is fully good: nobody can be sure otherwise that the session was not ended.
    pub may_be_sensitive: Result<(), NotSensitive>,
}

impl<'a> From<&'a Caller> for Sender<'a> {
    fn from(caller: &'a Caller) -> Self {
        Self { claims: caller, may_be_sensitive: caller.may_be_sensitive() }
    }
}

/// A person's roles in one school: what they are elsewhere does not count there.
pub fn roles_in(claims: &Claims, school_id: Uuid) -> Vec<Role> {
    claims
        .mem
        .iter()
        .filter(|membership| membership.school == school_id)
        .map(|membership| membership.role)
        .collect()
}
