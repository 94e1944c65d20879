//! Settles which faults a network path can have, and what each does to bytes on their way.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What is wrong with a path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkFault {
    /// Nothing: bytes pass both ways.
    #[default]
    None,
    /// Bytes pass late or slowly, each direction for itself.
    Slow {
        /// From the client to the server.
        to_server: Shape,
        /// From the server to the client.
        to_client: Shape,
    },
    /// Connections are taken and stay open, and nothing passes: a peer that hangs, a firewall that drops.
    BlackHole,
    /// What is open is reset, and so is what comes: a peer that crashes again and again.
    Reset,
    /// What is open is reset and nobody listens any more: a peer that is gone.
    Refuse,
}

/// How late and how slowly bytes pass in one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Every byte is at least this late, in milliseconds.
    pub latency_ms: u32,
    /// And up to this much more, drawn anew for each portion read; order is kept.
    pub jitter_ms: u32,
    /// At most so many bytes per second; none: no limit.
    pub bytes_per_second: Option<u32>,
}

/// The two directions of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// Why nothing passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// For as long as the fault lasts.
    Held,
    /// For good: the connection ends.
    Broken,
}

impl NetworkFault {
    /// How bytes pass in this direction, or why they do not.
    pub(super) fn shape(&self, direction: Direction) -> Result<Shape, Closed> {
        match (self, direction) {
            (Self::None, _) => Ok(Shape::default()),
            (Self::Slow { to_server, .. }, Direction::ToServer) => Ok(*to_server),
            (Self::Slow { to_client, .. }, Direction::ToClient) => Ok(*to_client),
            (Self::BlackHole, _) => Err(Closed::Held),
            (Self::Reset | Self::Refuse, _) => Err(Closed::Broken),
        }
    }

    /// Whether connections end.
    pub(super) fn is_breaking(&self) -> bool {
        matches!(self, Self::Reset | Self::Refuse)
    }
}

/// Portions a second when the bandwidth is limited: small enough that a healed path heals at once.
const PORTIONS_PER_SECOND: u32 = 20;

impl Shape {
    /// How late a portion is whose place in the jitter is `roll`, from 0 to 255.
    pub(super) fn delay(&self, roll: u8) -> Duration {
        let jitter = u64::from(self.jitter_ms) * u64::from(roll) / u64::from(u8::MAX);
        Duration::from_millis(u64::from(self.latency_ms) + jitter)
    }

    /// How many bytes may be written at once, of `wanted`.
    pub(super) fn portion(&self, wanted: usize) -> usize {
        let limit = self.bytes_per_second.map(|rate| (rate / PORTIONS_PER_SECOND).max(1));
        limit.and_then(|limit| usize::try_from(limit).ok()).map_or(wanted, |limit| limit.min(wanted))
    }

    /// How long `written` bytes keep the path busy.
    pub(super) fn occupied(&self, written: usize) -> Duration {
        let Some(rate) = self.bytes_per_second else { return Duration::ZERO };
        let written = u64::try_from(written).unwrap_or(u64::MAX);
        Duration::from_micros(written.saturating_mul(1_000_000) / u64::from(rate.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_lies_between_latency_and_latency_plus_jitter() {
        let shape = Shape { latency_ms: 100, jitter_ms: 50, bytes_per_second: None };
        assert_eq!(shape.delay(0), Duration::from_millis(100));
        assert_eq!(shape.delay(u8::MAX), Duration::from_millis(150));
    }

    #[test]
    fn a_limited_path_is_busy_for_as_long_as_its_bytes_take() {
        let shape = Shape { bytes_per_second: Some(1_000), ..Shape::default() };
        assert_eq!(shape.portion(16_384), 50);
        assert_eq!(shape.occupied(50), Duration::from_millis(50));
        assert_eq!(Shape::default().portion(16_384), 16_384);
        assert_eq!(Shape::default().occupied(16_384), Duration::ZERO);
        // A rate of nothing is a very slow path, not a division by zero.
        let slowest = Shape { bytes_per_second: Some(0), ..Shape::default() };
        assert_eq!((slowest.portion(10), slowest.occupied(1)), (1, Duration::from_secs(1)));
    }
}
