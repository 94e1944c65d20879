//! Settles what a send knows of whoever sends: what their token says, and whether it is good for sensitive acts now.

use std::time::Duration;

use chrono::{DateTime, Utc};
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

impl Sender<'_> {
    /// How long the account has known the device.
    pub fn device_age(&self, now: DateTime<Utc>) -> Duration {
        age(self.claims.dev_since, now)
    }

    /// Whether they gave a one-time code in the last quarter of an hour.
    pub fn has_fresh_code(&self, now: DateTime<Utc>) -> bool {
        self.claims.has_fresh_code(unix_seconds(now))
    }
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

/// How long ago a moment in Unix seconds was.
pub fn age(since_s: u64, now: DateTime<Utc>) -> Duration {
    Duration::from_secs(unix_seconds(now).saturating_sub(since_s))
}

fn unix_seconds(moment: DateTime<Utc>) -> u64 {
    u64::try_from(moment.timestamp()).unwrap_or(0)
}
