//! Settles how a node that does not serve a key is left for the one it names: for good (`MOVED`), or for this once (`ASK`).
//!
//! While a slot moves, its keys are at two nodes. The old one answers for what it still has and says `ASK` for the rest;
//! the new one serves that only to whoever says `ASKING` first, and to everybody once the slot is its own (Redis Cluster
//! specification, "ASK redirection").

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind};

/// Where a command must go instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirection {
    /// `host:port` as the cluster announces it.
    pub(super) address: String,
    /// Whether the node there must be told that it was named.
    pub(super) is_asking: bool,
}

impl Redirection {
    /// What the error says of where to go; `None` where it is not about that.
    pub(super) fn of(error: &RedisError) -> Option<Self> {
        let (address, _) = error.redirect_node()?;
        let is_asking = error.kind() == ErrorKind::Server(ServerErrorKind::Ask);
        Some(Self { address: address.to_owned(), is_asking })
    }
}

/// Sends one command. `ASKING` holds for the very next command on the connection, so both go out as one.
pub(super) async fn send<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    command: &Cmd,
    is_asking: bool,
) -> RedisResult<T> {
    if !is_asking {
        return command.query_async(connection).await;
    }
    let mut both = redis::pipe();
    both.cmd("ASKING").add_command(command.clone());
    // Not `query_async`: it would wrap the command's error so that nobody can read from it where to go next.
    let mut answers = connection.req_packed_commands(&both, 1, 1).await?;
    let answer = answers.pop().unwrap_or(redis::Value::Nil);
    Ok(T::from_redis_value(answer.extract_error()?)?)
}
