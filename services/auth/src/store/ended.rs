//! Settles which rows of codes, enrolments and containments nobody needs any more, and how they are deleted: some at a time.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Transaction};

/// What ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Printed codes that were used, withdrawn, or whose time is over.
    Codes,
    /// Authenticators that were offered and never confirmed.
    Enrolments,
    /// Keys of containments: before they are deleted a repeated command finds what it has done.
    Containments,
}

impl Ended {
    /// Everything that ends.
    pub const ALL: [Self; 3] = [Self::Codes, Self::Enrolments, Self::Containments];

    fn sql(self) -> &'static str {
        match self {
            Self::Codes => {
                "delete from account_code where code_hash in (
                     select code_hash from account_code where least(used_at, expires_at) < $1
                     order by least(used_at, expires_at) limit $2 for update skip locked)"
            }
            Self::Enrolments => {
                "delete from authenticator_enrolment where person_id in (
                     select person_id from authenticator_enrolment where expires_at < $1
                     order by expires_at limit $2 for update skip locked)"
            }
            Self::Containments => {
                "delete from containment where (caller, key) in (
                     select caller, key from containment where contained_at < $1
                     order by contained_at limit $2 for update skip locked)"
            }
        }
    }
}

/// Deletes up to `limit` of what ended before `at`. Returns how many.
pub async fn delete(
    transaction: &mut Transaction,
    ended: Ended,
    at: DateTime<Utc>,
    limit: i64,
) -> Result<u64, Error> {
    transaction.execute(ended.sql(), &[&at, &limit]).await
}
