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
        let now_ms = self.breaker.clock.coarse_ms();
        if self.probe.is_some() || self.is_slow(now_ms) {
            self.settle(Kind::Fine, now_ms);
        } else if self.breaker.stamp() == self.stamp {
            self.breaker.window.add(Kind::Fine, now_ms);
        }
    }

    /// The call failed.
    #[inline]
    pub fn failure(self) {
        let now_ms = self.breaker.clock.coarse_ms();
        self.settle(Kind::Failed, now_ms);
    }

    /// The call went well, and too slowly by a measure of the caller's own.
    #[inline]
    pub fn slow(self) {
        let now_ms = self.breaker.clock.coarse_ms();
        self.settle(Kind::Slow, now_ms);
    }

    /// Whatever came of it.
    #[inline]
    pub fn report(self, outcome: Outcome) {
        match outcome {
            Outcome::Success => self.success(),
            Outcome::Failure => self.failure(),
            Outcome::Slow => self.slow(),
            Outcome::TimedOut => self.timed_out(),
            Outcome::Neutral => drop(self),
        }
    }

    #[inline]
    fn timed_out(self) {
        let now_ms = self.breaker.clock.coarse_ms();
        if self.is_slow(now_ms) {
            self.settle(Kind::Slow, now_ms);
        }
    }

    #[inline]
    fn is_slow(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.started_ms) >= self.breaker.policy.slow_call_ms()
    }

    /// Hands its parts over one by one, so that a permit which goes the usual way lives in registers.
    #[inline]
    fn settle(mut self, kind: Kind, now_ms: u64) {
        let probe = self.probe.take();
        let kind = if kind == Kind::Fine && self.is_slow(now_ms) { Kind::Slow } else { kind };
        self.breaker.settle(self.stamp, probe, kind, now_ms);
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(ticket) = self.probe.take() {
            self.breaker.give_back(ticket);
        }
    }
}
