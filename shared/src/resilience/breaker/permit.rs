//! Settles how a call tells what came of it: once, by a guard that says nothing when it is dropped.

use super::Breaker;
use super::probes::Ticket;
use super::state::{Outcome, Stamp};
use super::window::Kind;

/// Leave to make one call. Report what came of it; dropping it says nothing.
#[must_use = "a permit that is dropped at once guards no call"]
pub struct Permit<'a> {
    pub(super) breaker: &'a Breaker,
    pub(super) stamp: Stamp,
    pub(super) started_ms: u64,
    pub(super) probe: Option<Ticket>,
}

impl Permit<'_> {
    /// The call went well: slow if it took as long as the policy calls slow.
    #[inline]
    pub fn success(self) {
        self.conclude(Kind::Fine);
    }

    /// The call failed.
    pub fn failure(self) {
        self.conclude(Kind::Failed);
    }

    /// The call went well, and too slowly by a measure of the caller's own.
    pub fn slow(self) {
        self.conclude(Kind::Slow);
    }

    /// Whatever came of it.
    pub fn report(self, outcome: Outcome) {
        match outcome {
            Outcome::Success => self.success(),
            Outcome::Failure => self.failure(),
            Outcome::Slow => self.slow(),
            Outcome::TimedOut if self.is_slow(self.breaker.clock.coarse_ms()) => self.slow(),
            Outcome::TimedOut | Outcome::Neutral => drop(self),
        }
    }

    #[inline]
    fn is_slow(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.started_ms) >= self.breaker.policy.slow_call_ms()
    }

    #[inline]
    fn conclude(mut self, kind: Kind) {
        let (breaker, now_ms) = (self.breaker, self.breaker.clock.coarse_ms());
        let kind = if kind == Kind::Fine && self.is_slow(now_ms) { Kind::Slow } else { kind };
        if let Some(ticket) = self.probe.take() {
            return breaker.conclude(ticket, kind, now_ms);
        }
        if breaker.stamp() != self.stamp {
            return;
        }
        breaker.window.add(kind, now_ms);
        if kind != Kind::Fine {
            breaker.consider_opening(self.stamp, now_ms);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.probe.take() {
            self.breaker.core().probes.give_back(ticket);
        }
    }
}
