//! Settles what travels with one piece of work from the edge to the engines: its deadline, its tally, its waits, its trace.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::attribution::{Cause, Waiting, Waits};
use crate::clock::SharedClock;

/// The time by which an answer is of use to whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// The deadline has passed: whoever asked is gone, so no more work is done for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deadline has passed")]
pub struct DeadlinePassed;

impl Deadline {
    /// `limit` from now.
    pub fn after(clock: &SharedClock, limit: Duration) -> Self {
        Self(clock.now() + limit)
    }

    /// What is left.
    pub fn remaining(self, clock: &SharedClock) -> Result<Duration, DeadlinePassed> {
        match self.0.saturating_duration_since(clock.now()) {
            Duration::ZERO => Err(DeadlinePassed),
            left => Ok(left),
        }
    }
}

/// What one request cost, for its canonical log line.
#[derive(Debug, Default)]
pub struct Tally {
    sql_queries: AtomicU32,
    redis_commands: AtomicU32,
    cache_hits: AtomicU32,
    cache_misses: AtomicU32,
}

impl Tally {
    /// Counts a SQL statement.
    pub fn sql_query(&self) {
        add_one(&self.sql_queries);
    }

    /// Counts a Redis command or script.
    pub fn redis_command(&self) {
        add_one(&self.redis_commands);
    }

    /// Counts a look-up in a cache.
    pub fn cache(&self, hit: bool) {
        add_one(if hit { &self.cache_hits } else { &self.cache_misses });
    }

    /// (SQL statements, Redis commands, cache hits, cache misses) so far.
    pub fn read(&self) -> (u32, u32, u32, u32) {
        let read = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        (
            read(&self.sql_queries),
            read(&self.redis_commands),
            read(&self.cache_hits),
            read(&self.cache_misses),
        )
    }
}

/// A piece of work runs on one thread at a time, so nobody adds in between, and no bus has to be locked.
fn add_one(counter: &AtomicU32) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// The first parameter of everything that waits.
#[derive(Debug, Clone)]
pub struct Context {
    inner: Arc<Inner>,
    is_unkept: bool,
}

#[derive(Debug)]
struct Inner {
    clock: SharedClock,
    limit: Duration,
    deadline: Deadline,
    tally: Tally,
    waits: Waits,
    traceparent: Option<String>,
}

impl Context {
    /// Work that must be done within `limit`; `traceparent` is the W3C header value that child calls carry on.
    pub fn new(clock: SharedClock, limit: Duration, traceparent: Option<String>) -> Self {
        let deadline = Deadline::after(&clock, limit);
        let inner =
            Inner { clock, limit, deadline, tally: Tally::default(), waits: Waits::default(), traceparent };
        Self { inner: Arc::new(inner), is_unkept: false }
    }

    /// Keeps no deadline: each step has the whole time anew, however late it is. What proofs compare with.
    #[must_use]
    pub fn ablated(self, is_ablated: bool) -> Self {
        Self { is_unkept: is_ablated, ..self }
    }

    /// Work that no request waits for.
    pub fn background(clock: SharedClock, limit: Duration) -> Self {
        Self::new(clock, limit, None)
    }

    /// The clock that this work lives by.
    pub fn clock(&self) -> &SharedClock {
        &self.inner.clock
    }

    /// What is left of the deadline.
    pub fn remaining(&self) -> Result<Duration, DeadlinePassed> {
        if self.is_unkept { Ok(self.inner.limit) } else { self.inner.deadline.remaining(&self.inner.clock) }
    }

    /// What is left of the deadline, at most `limit`.
    pub fn remaining_up_to(&self, limit: Duration) -> Result<Duration, DeadlinePassed> {
        self.remaining().map(|left| left.min(limit))
    }

    /// Counters of this work.
    pub fn tally(&self) -> &Tally {
        &self.inner.tally
    }

    /// Begins to wait for something that may make the answer slow; `cause` is what the answer is counted under then.
    pub fn waiting(&self, cause: Cause) -> Waiting<'_> {
        self.inner.waits.begin(cause, &self.inner.clock)
    }

    /// What this work has waited for.
    pub fn waits(&self) -> &Waits {
        &self.inner.waits
    }

    /// W3C trace context for calls made on behalf of this work.
    pub fn traceparent(&self) -> Option<&str> {
        self.inner.traceparent.as_deref()
    }
}
