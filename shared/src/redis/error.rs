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
    /// The shard has not answered lately; nothing is sent to it for a while.
    #[error("the shard has not answered lately; its breaker is open for {0:?}")]
    Open(std::time::Duration),
    /// Too many commands are in flight.
    #[error("no place among the commands in flight became free in time")]
    Busy,
    /// The shard did not answer in time; the command may or may not have taken effect.
    #[error("the shard did not answer in time")]
    Timeout,
    /// The shard is down, failing over or out of reach.
    #[error("the shard cannot be reached: {0}")]
    Unreachable(String),
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
            Self::Deadline | Self::Open(_) | Self::Busy | Self::Timeout | Self::Unreachable(_) => true,
            Self::Unexpected(_) | Self::Invalid(_) => false,
        }
    }
}

impl From<DeadlinePassed> for Error {
    fn from(_: DeadlinePassed) -> Self {
        Self::Deadline
    }
}

impl From<RedisError> for Error {
    fn from(error: RedisError) -> Self {
        use ServerErrorKind::{Ask, BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly, TryAgain};
        if error.is_timeout() {
            return Self::Timeout;
        }
        let passing =
            [Ask, BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly, TryAgain].map(ErrorKind::Server);
        let is_passing = error.is_io_error() || passing.contains(&error.kind());
        if is_passing { Self::Unreachable(error.to_string()) } else { Self::Unexpected(error) }
    }
}
