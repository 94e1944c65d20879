//! Settles when to stop calling something that does not answer, and how to find out that it does again.
//!
//! Why: a caller that waits for a dead dependency holds a place, a connection and a person's patience, and calls keep a
//! dependency down that could recover. A breaker guards one failure domain (one database, one Redis node, one sibling).
//!
//! *Closed*: calls pass and their results are counted (after resilience4j's time-based sliding window).
//! It trips when at least `minimum_calls` of the last 10 s are known and half of them failed, or failed or were slow.
//! *Open*: calls are refused with the time after which to ask again: 1 s, doubling to 10 s each time that probing fails,
//! with jitter. *Half-open*: [`Policy`]'s few probes pass, each on a lease; once enough came back it closes or opens.
//!
//! A permit that is dropped says nothing: a caller that gave up is no evidence. Each change of state begins a new
//! generation, and results of an older one are ignored. The closed path takes no lock: two looks at the coarse clock, two
//! loads of a word that rarely changes, one addition (`cargo ent bench breaker`).

mod permit;
mod policy;
mod probes;
mod registry;
mod state;
mod window;

use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::sync::{AtomicU64, Mutex};
use crate::clock::SharedClock;
pub use permit::Permit;
pub use policy::{Policy, Settings};
use probes::{Probes, Ticket, Verdict};
pub use registry::{Registry, TooManyDomains};
use state::Stamp;
pub use state::{Listener, Outcome, Refused, State, Transition};
pub use window::Counts;
use window::{Kind, Window};

/// A circuit breaker for one failure domain.
pub struct Breaker {
    policy: Policy,
    clock: SharedClock,
    listener: Option<Listener>,
    is_ablated: bool,
    /// Written under `core`'s lock only.
    stamp: AtomicU64,
    /// When open: until when. Written before the stamp that says so.
    open_until_ms: AtomicU64,
    refused: AtomicU64,
    window: Window,
    core: Mutex<Core>,
}

/// What only changes of state need.
struct Core {
    probes: Probes,
    /// Openings in a row, none of which was followed by a whole quiet window.
    openings: u32,
    closed_since_ms: u64,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(policy: Policy, clock: SharedClock) -> Self {
        let core = Core { probes: Probes::new(&policy), openings: 0, closed_since_ms: clock.coarse_ms() };
        Self {
            window: Window::new(policy.window_ms()),
            policy,
            clock,
            listener: None,
            is_ablated: false,
            stamp: AtomicU64::new(0),
            open_until_ms: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            core: Mutex::new(core),
        }
    }

    /// Tells `listener` of each change.
    #[must_use]
    pub fn with_listener(self, listener: Listener) -> Self {
        Self { listener: Some(listener), ..self }
    }

    /// Counts and never opens: what proofs compare with.
    #[must_use]
    pub fn ablated(self, is_ablated: bool) -> Self {
        Self { is_ablated, ..self }
    }

    /// Leave to make a call now, or when to ask again.
    #[inline]
    pub fn acquire(&self) -> Result<Permit<'_>, Refused> {
        let (stamp, started_ms) = (self.stamp(), self.clock.coarse_ms());
        let (stamp, probe) = match stamp.state() {
            State::Closed => (stamp, None),
            State::Open | State::HalfOpen => self.admit_probe(stamp, started_ms)?,
        };
        Ok(Permit { breaker: self, stamp, started_ms, probe })
    }

    /// The state now. An open breaker becomes half-open with the first call after its time.
    pub fn state(&self) -> State {
        self.stamp().state()
    }

    /// What the window holds now.
    pub fn counts(&self) -> Counts {
        self.window.counts(self.clock.coarse_ms())
    }

    /// Calls refused so far.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How long calls are surely refused from now; zero unless open.
    pub fn retry_after(&self) -> Duration {
        match self.state() {
            State::Open => Duration::from_millis(self.open_left_ms(self.clock.coarse_ms())),
            State::Closed | State::HalfOpen => Duration::ZERO,
        }
    }

    #[inline]
    fn stamp(&self) -> Stamp {
        Stamp(self.stamp.load(Ordering::Acquire))
    }

    fn open_left_ms(&self, now_ms: u64) -> u64 {
        self.open_until_ms.load(Ordering::Acquire).saturating_sub(now_ms)
    }

    /// Refusals while open take no lock: they are most frequent when things are worst.
    #[cold]
    fn admit_probe(&self, seen: Stamp, now_ms: u64) -> Result<(Stamp, Option<Ticket>), Refused> {
        let left_ms = self.open_left_ms(now_ms);
        if seen.state() == State::Open && left_ms > 0 {
            return Err(self.refuse(left_ms));
        }
        let mut core = self.core();
        let mut half_opened = None;
        if self.state() == State::Open {
            let left_ms = self.open_left_ms(now_ms);
            if left_ms > 0 {
                return Err(self.refuse(left_ms));
            }
            core.probes.restart();
            half_opened = Some(self.change(State::HalfOpen, now_ms, 0));
        }
        let stamp = self.stamp();
        let probe = match stamp.state() {
            State::Closed => None,
            State::HalfOpen | State::Open => match core.probes.lend(now_ms, self.policy.probe_lease_ms()) {
                None => return Err(self.refuse(self.policy.slow_call_ms())),
                lent => lent,
            },
        };
        drop(core);
        self.tell(half_opened);
        Ok((stamp, probe))
    }

    fn refuse(&self, left_ms: u64) -> Refused {
        self.refused.fetch_add(1, Ordering::Relaxed);
        Refused { retry_after: Duration::from_millis(left_ms) }
    }

    /// All results but that of a good, fast call while closed.
    #[cold]
    fn settle(&self, stamp: Stamp, probe: Option<Ticket>, kind: Kind, now_ms: u64) {
        if let Some(ticket) = probe {
            self.conclude(ticket, kind, now_ms);
        } else if self.stamp() == stamp {
            self.window.add(kind, now_ms);
            self.consider_opening(stamp, now_ms);
        }
    }

    #[cold]
    fn give_back(&self, ticket: Ticket) {
        self.core().probes.give_back(ticket);
    }

    /// A bad result while closed: only these can open a breaker, so only these look at the whole window.
    fn consider_opening(&self, stamp: Stamp, now_ms: u64) {
        if self.is_ablated || !self.policy.opens_at(self.window.counts(now_ms)) {
            return;
        }
        let mut core = self.core();
        if self.stamp() != stamp {
            return;
        }
        let is_relapse = now_ms.saturating_sub(core.closed_since_ms) < self.policy.window_ms();
        core.openings = if is_relapse { core.openings } else { 0 };
        let opened = self.open(&mut core, now_ms);
        drop(core);
        self.tell(Some(opened));
    }

    fn conclude(&self, ticket: Ticket, kind: Kind, now_ms: u64) {
        let mut core = self.core();
        let changed = match core.probes.conclude(ticket, kind, &self.policy) {
            Verdict::Undecided => None,
            Verdict::Away => Some(self.open(&mut core, now_ms)),
            Verdict::Back => {
                self.window.clear();
                core.closed_since_ms = now_ms;
                Some(self.change(State::Closed, now_ms, 0))
            }
        };
        drop(core);
        self.tell(changed);
    }

    /// Tickets of the phase that ends become strange, so that a late probe changes nothing.
    fn open(&self, core: &mut Core, now_ms: u64) -> Transition {
        core.openings = core.openings.saturating_add(1);
        core.probes.restart();
        self.change(State::Open, now_ms, self.policy.open_ms(core.openings))
    }

    /// Under the lock.
    fn change(&self, to: State, now_ms: u64, open_ms: u64) -> Transition {
        let stamp = self.stamp();
        let counts = self.window.counts(now_ms);
        self.open_until_ms.store(now_ms.saturating_add(open_ms), Ordering::Release);
        self.stamp.store(stamp.next(to).0, Ordering::Release);
        Transition { from: stamp.state(), to, counts, open_for: Duration::from_millis(open_ms) }
    }

    fn tell(&self, transition: Option<Transition>) {
        if let (Some(listener), Some(transition)) = (&self.listener, transition) {
            listener(transition);
        }
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
