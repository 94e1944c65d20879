//! Settles what can go wrong between a service and the Redis Cluster.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::config::Invalid;
use crate::context::DeadlinePassed;

/// A failure of a shard or of the way to it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Whoever asked is gone.
    #[error("the deadline passed before Redis was asked")]
    Deadline,
    /// The node has not answered lately; nothing is sent to it for a while.
    #[error("{0} has not answered lately; its breaker is open for {1:?}")]
    Open(&'static str, std::time::Duration),
    /// Too many commands are in flight to the node.
    #[error("no place among the commands in flight to {0} became free in time")]
    Busy(&'static str),
    /// The node did not answer in time; the command may or may not have taken effect.
    #[error("{0} did not answer in time")]
    Timeout(&'static str),
    /// The node, or whoever should own a slot, is down, failing over or out of reach.
    #[error("{0} cannot be reached: {1}")]
    Unreachable(&'static str, String),
    /// The command or its answer is not what the code expects: a bug.
    #[error("unexpected Redis failure: {0}")]
    Unexpected(#[source] RedisError),
    /// The configuration cannot be used.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

impl Error {
    /// Whether the same act may succeed later without any change to it.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Deadline | Self::Open(..) | Self::Busy(_) | Self::Timeout(_) | Self::Unreachable(..) => {
                true
            }
            Self::Unexpected(_) | Self::Invalid(_) => false,
        }
    }
}

impl From<DeadlinePassed> for Error {
    fn from(_: DeadlinePassed) -> Self {
        Self::Deadline
    }
}

impl Error {
    /// What an answer of `node`, or the lack of one, is.
    pub(super) fn of(node: &'static str, error: RedisError) -> Self {
        use ServerErrorKind::{Ask, BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly, TryAgain};
        if error.is_timeout() {
            return Self::Timeout(node);
        }
        let passing =
            [Ask, BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly, TryAgain].map(ErrorKind::Server);
        let is_passing = error.is_io_error() || passing.contains(&error.kind());
        if is_passing { Self::Unreachable(node, error.to_string()) } else { Self::Unexpected(error) }
    }
}
