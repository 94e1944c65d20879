//! Settles which causes a refusal or a slow answer can have, and which one each failure of a dependency is.

use crate::{audit, pg, redis, siblings};

/// Why a request was refused, or why its answer was slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A worker was behind with its work and gave up the least important.
    Shed,
    /// As many requests were worked on as can be answered in time.
    Admission,
    /// The time of whoever asked was over.
    Deadline,
    /// The account or the address asked more often than its limit.
    Rate,
    /// The client did not send its body in time.
    ClientSlow,
    /// The breaker of this dependency is open.
    Breaker(&'static str),
    /// Places of this class of work were all taken: a pool, a queue.
    Bulkhead(&'static str),
    /// This dependency answered too late.
    DependencySlow(&'static str),
    /// This dependency did not answer, or said that it cannot.
    DependencyDown(&'static str),
    /// Nothing else here explains it: the service's own work, or its host.
    Unexplained,
}

impl Cause {
    /// The name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shed => "shed",
            Self::Admission => "admission",
            Self::Deadline => "deadline",
            Self::Rate => "rate",
            Self::ClientSlow => "client_slow",
            Self::Breaker(_) => "breaker",
            Self::Bulkhead(_) => "bulkhead",
            Self::DependencySlow(_) => "dependency_slow",
            Self::DependencyDown(_) => "dependency_down",
            Self::Unexplained => "unexplained",
        }
    }

    /// Which one of several: a dependency, a queue. Empty where there is only one.
    pub fn part(self) -> &'static str {
        match self {
            Self::Breaker(part)
            | Self::Bulkhead(part)
            | Self::DependencySlow(part)
            | Self::DependencyDown(part) => part,
            Self::Shed
            | Self::Admission
            | Self::Deadline
            | Self::Rate
            | Self::ClientSlow
            | Self::Unexplained => "",
        }
    }
}

/// The service's database, as causes name it.
pub const DATABASE: &str = "postgres";
/// The service's cluster, as causes name it where no node is to blame; a node is `redis:host:port`.
pub const CLUSTER: &str = "redis";

impl From<&pg::Error> for Cause {
    fn from(error: &pg::Error) -> Self {
        match error {
            pg::Error::Deadline => Self::Deadline,
            pg::Error::Open(_) => Self::Breaker(DATABASE),
            pg::Error::Busy => Self::Bulkhead(DATABASE),
            pg::Error::Timeout | pg::Error::Conflict => Self::DependencySlow(DATABASE),
            pg::Error::Unreachable(_) => Self::DependencyDown(DATABASE),
            pg::Error::Constraint(_) | pg::Error::NoRow | pg::Error::Unexpected(_) => Self::Unexplained,
        }
    }
}

impl From<&redis::Error> for Cause {
    fn from(error: &redis::Error) -> Self {
        match error {
            redis::Error::Deadline => Self::Deadline,
            redis::Error::Open(node, _) => Self::Breaker(node),
            redis::Error::Busy(node) => Self::Bulkhead(node),
            redis::Error::Timeout(node) => Self::DependencySlow(node),
            redis::Error::Unreachable(node, _) => Self::DependencyDown(node),
            redis::Error::Unexpected(_) | redis::Error::Invalid(_) => Self::Unexplained,
        }
    }
}

impl From<&siblings::Error> for Cause {
    fn from(error: &siblings::Error) -> Self {
        match error {
            siblings::Error::Deadline => Self::Deadline,
            siblings::Error::Crowded(sibling) => Self::Bulkhead(sibling),
            siblings::Error::Open(sibling, _) => Self::Breaker(sibling),
            siblings::Error::NotTaken(sibling, _)
            | siblings::Error::Unreachable(sibling, _)
            | siblings::Error::Refused(sibling, _)
            | siblings::Error::Malformed(sibling, _) => Self::DependencyDown(sibling),
        }
    }
}

/// The disk of checkpoints, as causes name it.
const CHECKPOINTS: &str = "audit_checkpoints";

impl From<&audit::Error> for Cause {
    fn from(error: &audit::Error) -> Self {
        match error {
            audit::Error::Database(error) => Self::from(error),
            audit::Error::SlowDisk => Self::DependencySlow(CHECKPOINTS),
            audit::Error::File(..) => Self::DependencyDown(CHECKPOINTS),
            audit::Error::NotCanonical(_)
            | audit::Error::BadCheckpoint(_)
            | audit::Error::Rewritten { .. }
            | audit::Error::MissingNode
            | audit::Error::NotCovered { .. }
            | audit::Error::NotConfigured => Self::Unexplained,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_below_the_audit_log_is_its_cause() {
        let database = audit::Error::Database(pg::Error::Busy);
        assert_eq!(Cause::from(&database), Cause::Bulkhead("postgres"));
        assert_eq!(Cause::from(&audit::Error::SlowDisk), Cause::DependencySlow("audit_checkpoints"));
        assert_eq!(Cause::from(&audit::Error::MissingNode), Cause::Unexplained);
    }
}
