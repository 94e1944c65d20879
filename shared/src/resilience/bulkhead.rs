//! Settles how many callers one dependency may hold up at once, and how long one more waits for a place.
//!
//! Why: a dependency that hangs keeps every caller until its deadline; without walls they are soon all callers, and what
//! does not need the dependency stands still as well (Nygard, "Release It!"; resilience4j's and Polly's bulkheads).
//! It trips when all places are taken: a caller waits at most so long and never past its deadline, and where too many
//! wait already it is refused at once. It recovers as places come back: a place is a guard, so that a caller which is
//! dropped while it waits or works gives back what it had.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::context::{Context, DeadlinePassed};

/// Why there was no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// As many wait as may wait.
    #[error("too many wait already")]
    TooManyWaiting,
    /// No place became free in time.
    #[error("no place became free in time")]
    WaitedTooLong,
    /// Whoever asked is gone.
    #[error(transparent)]
    Deadline(#[from] DeadlinePassed),
}

/// A bounded number of places, and of callers that wait for one.
#[derive(Debug)]
pub struct Bulkhead {
    places: Semaphore,
    waiting: AtomicUsize,
    size: usize,
    most_waiting: usize,
}

/// A place. Dropping it gives it back.
#[derive(Debug)]
pub struct Place<'a> {
    _permit: SemaphorePermit<'a>,
}

impl Bulkhead {
    /// `size` places; as many callers again may wait for one.
    pub fn new(size: usize) -> Self {
        let size = size.min(Semaphore::MAX_PERMITS);
        Self { places: Semaphore::new(size), waiting: AtomicUsize::new(0), size, most_waiting: size }
    }

    /// With another bound on the callers that wait.
    #[must_use]
    pub fn with_most_waiting(self, most_waiting: usize) -> Self {
        Self { most_waiting, ..self }
    }

    /// Lets everybody in: what proofs compare with.
    #[must_use]
    pub fn ablated(self, is_ablated: bool) -> Self {
        if is_ablated { Self::new(Semaphore::MAX_PERMITS) } else { self }
    }

    /// A place now, or after at most `max_wait` within the caller's deadline. Places are given in the order of asking.
    pub async fn acquire(&self, context: &Context, max_wait: Duration) -> Result<Place<'_>, NoPlace> {
        let limit = context.remaining_up_to(max_wait)?;
        if let Ok(permit) = self.places.try_acquire() {
            return Ok(Place { _permit: permit });
        }
        let _waiting = Waiting::enter(self)?;
        match tokio::time::timeout(limit, self.places.acquire()).await {
            Ok(Ok(permit)) => Ok(Place { _permit: permit }),
            // The semaphore is never closed; were it, there would be no place either.
            Ok(Err(_)) | Err(_) => Err(NoPlace::WaitedTooLong),
        }
    }

    /// (taken, waiting) now.
    pub fn usage(&self) -> (usize, usize) {
        let free = self.places.available_permits();
        (self.size.saturating_sub(free), self.waiting.load(Ordering::Relaxed))
    }
}

/// Counts a caller for as long as it waits, however it ends.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(bulkhead: &'a Bulkhead) -> Result<Self, NoPlace> {
        let one_more = |waiting: usize| (waiting < bulkhead.most_waiting).then_some(waiting + 1);
        match bulkhead.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Ok(Self(&bulkhead.waiting)),
            Err(_) => Err(NoPlace::TooManyWaiting),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
