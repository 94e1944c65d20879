//! Settles what the fault keeper is asked for and what it answers: one line of JSON each way.

use std::fmt;

use serde::{Deserialize, Serialize};
use shared::fault::{DiskDelays, NetworkFault, Shape};

/// What is done to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    /// SIGSTOP to a process and its children.
    Stop,
    /// SIGKILL to a process and its children.
    Kill,
    /// A fault of a path.
    Network(NetworkFault),
    /// PostgreSQL's syncs and reads are late.
    SlowDisk(DiskDelays),
}

/// A question to the keeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// Make a fault, in place of one of the same target.
    Make {
        /// Whom it happens to.
        target: String,
        /// What happens.
        act: Act,
        /// After how many milliseconds it ends by itself.
        for_ms: Option<u64>,
    },
    /// End the faults of a target, or all.
    Clear {
        /// Whose; none: everybody's.
        target: Option<String>,
    },
    /// Only say what is broken.
    List,
}

/// The keeper's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reply {
    /// Why it was not done.
    pub(crate) error: Option<String>,
    /// What is broken now.
    pub(crate) faults: Vec<Fault>,
    /// The paths that can be broken.
    pub(crate) paths: Vec<String>,
}

/// Something that is broken now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fault {
    /// Whom it happens to.
    pub(crate) target: String,
    /// What happens.
    pub(crate) act: Act,
    /// Since when, RFC 3339.
    pub(crate) since: String,
    /// When it ends by itself, RFC 3339.
    pub(crate) until: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.target, self.act)?;
        match &self.until {
            Some(until) => write!(formatter, ", until {until}"),
            None => write!(formatter, ", until `cargo ent fault clear`"),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stop => formatter.write_str("stopped"),
            Self::Kill => formatter.write_str("killed"),
            Self::SlowDisk(DiskDelays { sync_ms, read_ms }) => {
                write!(formatter, "slow disk (syncs +{sync_ms} ms, reads +{read_ms} ms)")
            }
            Self::Network(NetworkFault::None) => formatter.write_str("whole"),
            Self::Network(NetworkFault::BlackHole) => formatter.write_str("black hole"),
            Self::Network(NetworkFault::Reset) => formatter.write_str("reset"),
            Self::Network(NetworkFault::Refuse) => formatter.write_str("refused"),
            Self::Network(NetworkFault::Slow { to_server, to_client }) => {
                formatter.write_str("slow")?;
                describe(formatter, "to the server", *to_server)?;
                describe(formatter, "to the client", *to_client)
            }
        }
    }
}

fn describe(formatter: &mut fmt::Formatter<'_>, way: &str, shape: Shape) -> fmt::Result {
    if shape == Shape::default() {
        return Ok(());
    }
    write!(formatter, " {way} (+{} ms", shape.latency_ms)?;
    if shape.jitter_ms > 0 {
        write!(formatter, " to +{} ms", shape.latency_ms.saturating_add(shape.jitter_ms))?;
    }
    match shape.bytes_per_second {
        Some(rate) => write!(formatter, ", {rate} bytes/s)"),
        None => formatter.write_str(")"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_line_that_reads_back() {
        let slow = Shape { latency_ms: 200, jitter_ms: 50, bytes_per_second: Some(1_000) };
        let act = Act::Network(NetworkFault::Slow { to_server: slow, to_client: Shape::default() });
        let request = Request::Make { target: "auth->postgres".to_owned(), act, for_ms: Some(10_000) };
        let line = serde_json::to_string(&request).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Request>(&line).unwrap(), request);
        assert_eq!(act.to_string(), "slow to the server (+200 ms to +250 ms, 1000 bytes/s)");
    }
}
