//! Settles how a stream is followed: blocking reads on a connection of their own, resumable by entry id.

use std::sync::Arc;
use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::streams::StreamReadReply;
use tokio::time::timeout;

use super::Error;

/// How long one read blocks in the server.
const BLOCK: Duration = Duration::from_secs(1);
/// How long after that its answer may take.
const ANSWER: Duration = Duration::from_millis(500);

/// Follows streams, one at a time.
pub struct StreamReader {
    connection: ClusterConnection,
    key_prefix: Arc<str>,
}

pub(super) fn client(builder: ClusterClientBuilder) -> Result<ClusterClient, Error> {
    Ok(builder.response_timeout(BLOCK + ANSWER).overall_response_timeout(Some(BLOCK + ANSWER)).build()?)
}

impl StreamReader {
    pub(super) fn new(connection: ClusterConnection, key_prefix: Arc<str>) -> Self {
        Self { connection, key_prefix }
    }

    /// Waits up to a second for entries after `last_id` (`$` for none before now). Returns the id of the newest one seen.
    pub async fn wait_for_news(&mut self, name: &str, last_id: &str) -> Result<Option<String>, Error> {
        let block_ms = u64::try_from(BLOCK.as_millis()).unwrap_or(1_000);
        let key = format!("{}{name}", self.key_prefix);
        let mut command = redis::cmd("XREAD");
        command.arg("BLOCK").arg(block_ms).arg("STREAMS").arg(key).arg(last_id);
        let answer = timeout(BLOCK + ANSWER, command.query_async(&mut self.connection)).await;
        let reply: Option<StreamReadReply> = answer.map_err(|_| Error::Timeout)??;
        let newest = reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids).last();
        Ok(newest.map(|entry| entry.id))
    }
}
