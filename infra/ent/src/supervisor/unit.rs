//! Settles how each kind of process is restarted, stopped and asked whether it is ready.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::Signal;

use crate::engines::{Admin, Peer};
use crate::layout::Layout;
use crate::process::{Launch, StopPlan};

/// One process to keep running.
pub(crate) struct Unit {
    /// Its name in logs and tables.
    pub(crate) name: String,
    /// Where it listens on 127.0.0.1, if anywhere.
    pub(crate) port: Option<u16>,
    /// How it starts.
    pub(crate) launch: Launch,
    /// How it is asked whether it is ready.
    pub(crate) probe: Probe,
    /// How it ends and comes back.
    pub(crate) kind: Kind,
}

/// What decides how a process ends and comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// PostgreSQL.
    Postgres,
    /// A Redis node.
    Redis,
    /// A service instance.
    Service,
    /// HAProxy.
    FrontDoor,
    /// The fault keeper.
    Faults,
}

/// How a process is asked whether it is ready.
pub(crate) enum Probe {
    /// A query is answered.
    Postgres(Admin),
    /// The node sees its cluster as ok, and its primary if it has one.
    Redis(Peer),
    /// `GET /readyz` answers 200.
    Readyz(SocketAddr),
    /// The port accepts connections.
    Port(u16),
    /// The fault keeper of this installation takes requests.
    Faults(Layout),
}

/// The order of stopping: first those that others do not need.
/// (the services drain by way of the fault keeper's proxies).
pub(crate) const STOP_ORDER: [&[Kind]; 3] =
    [&[Kind::FrontDoor], &[Kind::Service], &[Kind::Faults, Kind::Postgres, Kind::Redis]];

impl Kind {
    /// How long to wait before the n-th start in a row (from 1) after an end.
    pub(crate) fn restart_delay(self, attempt: u32) -> Duration {
        match self {
            Self::Postgres => Duration::from_secs(1),
            // A primary must not come back before its replica has taken over (node time-out 2 s, election about 1 s
            // more): had it lost its data, it would still be the owner of its slots and its replica would copy the
            // emptiness. After the failover it joins as a replica and copies from the node that kept everything.
            Self::Redis => Duration::from_secs(6),
            Self::Service | Self::FrontDoor | Self::Faults => {
                Duration::from_millis(250).saturating_mul(1 << attempt.saturating_sub(1).min(5))
            }
        }
    }

    /// How it is asked to end, and how long that may take.
    pub(crate) fn stop_plan(self) -> StopPlan {
        let (signal, seconds) = match self {
            // The fast shutdown: connections are broken off, a checkpoint is written.
            Self::Postgres => (Signal::INT, 30),
            Self::Redis => (Signal::TERM, 10),
            Self::Service => (Signal::TERM, 20),
            Self::FrontDoor | Self::Faults => (Signal::TERM, 5),
        };
        StopPlan { signal, limit: Duration::from_secs(seconds) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_bound() {
        assert_eq!(Kind::Service.restart_delay(1), Duration::from_millis(250));
        assert_eq!(Kind::Service.restart_delay(3), Duration::from_secs(1));
        assert_eq!(Kind::FrontDoor.restart_delay(90), Duration::from_secs(8));
    }

    #[test]
    fn a_redis_node_stays_away_until_its_replica_took_over() {
        assert!(Kind::Redis.restart_delay(1) >= Duration::from_secs(5));
    }
}
