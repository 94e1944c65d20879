//! Settles what a service says of itself: that it runs, that it takes requests, and how its dependencies are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Where a service is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Waits for its engines; takes no requests.
    Starting = 0,
    /// Takes requests.
    Ready = 1,
    /// Finishes what it has; the front door should send no more.
    Draining = 2,
}

impl Phase {
    /// As `/statusz` prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

/// The phase, shared by all workers. It never depends on an engine: a database that is away must not
/// take every instance out of the front door at once, where they still serve what they can.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicU8>);

impl Readiness {
    /// Moves to `phase`.
    pub fn set(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Release);
    }

    /// The phase now.
    pub fn phase(&self) -> Phase {
        match self.0.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Ready,
            _ => Phase::Draining,
        }
    }
}
