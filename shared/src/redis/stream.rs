//! Settles how a stream is followed: blocking reads on a connection of their own, resumable by entry id.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use redis::streams::StreamReadReply;

use super::node::Node;
use super::redirection::{Redirection, send};
use super::topology::Topology;
use super::{Error, Key, REDIRECTIONS};
use crate::context::Context;

/// How long one read blocks in the server.
const BLOCK: Duration = Duration::from_secs(1);
/// How long after that its answer may take.
const ANSWER: Duration = Duration::from_millis(500);

/// Follows streams, one at a time; a blocking read must not hold up anybody's command.
pub struct StreamReader {
    topology: Arc<Topology>,
    node: Option<Arc<Node>>,
}

impl StreamReader {
    pub(super) fn new(topology: Arc<Topology>) -> Self {
        Self { topology, node: None }
    }

    /// Waits up to a second for entries after `last_id` (`$` for none before now). Returns the id of the newest one seen.
    pub async fn wait_for_news(
        &mut self,
        context: &Context,
        stream: &Key,
        last_id: &str,
    ) -> Result<Option<String>, Error> {
        Ok(self.read_after(context, stream, last_id).await?.pop().map(|(id, _)| id))
    }

    /// The same, with what the entries say: (id, fields), oldest first.
    pub async fn read_after(
        &mut self,
        context: &Context,
        stream: &Key,
        last_id: &str,
    ) -> Result<Vec<(String, HashMap<String, String>)>, Error> {
        let mut node = self.own_node(stream)?;
        let mut command = redis::cmd("XREAD");
        command.arg("BLOCK").arg(u64::try_from(BLOCK.as_millis()).unwrap_or(1_000));
        command.arg("STREAMS").arg(stream).arg(last_id);
        let (mut is_asking, mut redirections) = (false, 0);
        loop {
            let answer = node.run(context, async |mut c| send(&mut c, &command, is_asking).await).await?;
            let error = match answer {
                Ok(reply) => return Ok(entries(reply)),
                Err(error) => error,
            };
            let redirection = Redirection::of(&error).filter(|_| redirections < REDIRECTIONS);
            let Some(redirection) = redirection else { return Err(Error::of(node.name, error)) };
            self.topology.look_again();
            redirections += 1;
            is_asking = redirection.is_asking;
            node = self.node_at(&redirection.address.into())?;
        }
    }

    /// The reader's own connection to the owner of the stream's slot; a new one when the slot has a new owner.
    fn own_node(&mut self, stream: &Key) -> Result<Arc<Node>, Error> {
        let owner = self.topology.owner(stream.slot())?;
        self.node_at(&owner.address)
    }

    fn node_at(&mut self, address: &Arc<str>) -> Result<Arc<Node>, Error> {
        if let Some(node) = self.node.as_ref().filter(|node| node.address == *address) {
            return Ok(node.clone());
        }
        let node = self.topology.open_apart(address, BLOCK + ANSWER)?;
        self.node = Some(node.clone());
        Ok(node)
    }
}

fn entries(reply: Option<StreamReadReply>) -> Vec<(String, HashMap<String, String>)> {
    let entries = reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids);
    let text = |value: &redis::Value| redis::from_redis_value_ref(value).ok();
    let fields = |map: &HashMap<String, redis::Value>| {
        map.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
    };
    entries.map(|entry| (entry.id, fields(&entry.map))).collect()
}
