//! Settles how instances wake each other: a short stream that says that there is news, and nothing of what it is.
//!
//! What the news are stands in a database. Whoever misses a ring looks there again within a second or so.

use std::time::Duration;

use super::{Cluster, Key, StreamReader};
use crate::clock::SharedClock;
use crate::context::Context;

/// Rings kept for listeners that look away for a moment; one is enough to wake them.
const KEPT_RINGS: u32 = 16;
/// Time for one ring.
const RING_LIMIT: Duration = Duration::from_secs(1);
/// Time for one wait.
const WAIT_LIMIT: Duration = Duration::from_secs(5);
/// How often a listener looks for itself while the bell cannot be heard.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// A bell of the installation. Cloning shares it.
#[derive(Clone)]
pub struct Bell {
    cluster: Cluster,
    stream: Key,
    clock: SharedClock,
}

impl Bell {
    /// The bell of that name; braces around a part of it say with which keys it lies.
    pub fn new(name: &str, cluster: Cluster, clock: SharedClock) -> Self {
        Self { stream: cluster.key(name), cluster, clock }
    }

    /// Wakes every listener. It is news only: a failure is no error.
    pub async fn ring(&self) {
        let context = Context::background(self.clock.clone(), RING_LIMIT);
        let mut command = redis::cmd("XADD");
        command.arg(&self.stream).arg("MAXLEN").arg("~").arg(KEPT_RINGS).arg("*").arg("news").arg(1);
        if let Err(error) = self.cluster.run::<()>(&context, &self.stream, &command).await {
            tracing::debug!(%error, stream = %self.stream.name(), "nobody was woken; who waits looks for himself");
        }
    }

    /// Somebody who listens, on a connection of their own.
    pub fn listener(&self) -> Listener {
        Listener { reader: self.cluster.stream_reader(), bell: self.clone(), last_id: None }
    }
}

/// Somebody who listens to a bell.
pub struct Listener {
    reader: StreamReader,
    bell: Bell,
    last_id: Option<String>,
}

impl Listener {
    /// Returns when the bell rings, and at the latest after a second; without Redis it is a plain poll.
    pub async fn wait(&mut self) {
        let context = Context::background(self.bell.clock.clone(), WAIT_LIMIT);
        let last_id = self.last_id.as_deref().unwrap_or("$");
        match self.reader.wait_for_news(&context, &self.bell.stream, last_id).await {
            Ok(Some(id)) => self.last_id = Some(id),
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(%error, stream = %self.bell.stream.name(), "the bell is not heard; polling");
                tokio::time::sleep(POLL_EVERY).await;
            }
        }
    }
}
