//! Settles who may try whether a dependency is back: at most so many at once, each on a lease, so that one that is lost blocks nobody.
//!
//! Half-open breakers that never leave that state because permits were lost are the worst bug that users of resilience4j
//! report; failsafe and recloser admit everybody instead, which fells what has just come back.

use std::num::NonZeroU64;

use super::policy::Policy;
use super::window::{Counts, Kind};

/// A place among the probes of one half-open phase: a number that is given once, small enough to travel in every permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(NonZeroU64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Free,
    Lent { to: Ticket, until_ms: u64 },
    Used,
}

/// The probes of the current half-open phase.
#[derive(Debug)]
pub(super) struct Probes {
    places: Vec<Place>,
    results: Counts,
    next: Ticket,
}

/// What the probes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not enough of them have come back.
    Undecided,
    /// The dependency answers.
    Back,
    /// It does not.
    Away,
}

impl Probes {
    pub(super) fn new(policy: &Policy) -> Self {
        let count = usize::try_from(policy.probes()).unwrap_or(1);
        Self { places: vec![Place::Free; count], results: Counts::default(), next: Ticket(NonZeroU64::MIN) }
    }

    /// Begins a new phase. Tickets of earlier ones stay strange: their numbers never come back.
    pub(super) fn restart(&mut self) {
        self.places.fill(Place::Free);
        self.results = Counts::default();
    }

    /// A place for one probe, if one is free or its lease has ended.
    pub(super) fn lend(&mut self, now_ms: u64, lease_ms: u64) -> Option<Ticket> {
        let is_open = |place: &Place| match place {
            Place::Free => true,
            Place::Lent { until_ms, .. } => *until_ms <= now_ms,
            Place::Used => false,
        };
        let place = self.places.iter_mut().find(|place| is_open(place))?;
        let ticket = self.next;
        self.next = Ticket(ticket.0.saturating_add(1));
        *place = Place::Lent { to: ticket, until_ms: now_ms.saturating_add(lease_ms) };
        Some(ticket)
    }

    /// A probe came back without a result.
    pub(super) fn give_back(&mut self, ticket: Ticket) {
        if let Some(place) = self.holder(ticket) {
            *place = Place::Free;
        }
    }

    /// A probe came back with a result. One whose place was lent anew, or that is of an earlier phase, says nothing.
    pub(super) fn conclude(&mut self, ticket: Ticket, kind: Kind, policy: &Policy) -> Verdict {
        let Some(place) = self.holder(ticket) else { return Verdict::Undecided };
        *place = Place::Used;
        self.results.add(kind);
        if policy.stays_open_at(self.results) {
            Verdict::Away
        } else if self.results.calls() >= u64::from(policy.probes()) {
            Verdict::Back
        } else {
            Verdict::Undecided
        }
    }

    fn holder(&mut self, ticket: Ticket) -> Option<&mut Place> {
        self.places.iter_mut().find(|place| matches!(place, Place::Lent { to, .. } if *to == ticket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_probe_is_replaced_when_its_lease_ends_and_says_nothing_later() {
        let policy = Policy::default();
        let mut probes = Probes::new(&policy);
        let lost = probes.lend(0, 100).unwrap();
        let others = [probes.lend(0, 100).unwrap(), probes.lend(0, 100).unwrap()];
        assert_eq!(probes.lend(99, 100), None);
        let instead = probes.lend(100, 100).unwrap();
        assert_eq!(probes.conclude(lost, Kind::Failed, &policy), Verdict::Undecided);
        for ticket in others {
            assert_eq!(probes.conclude(ticket, Kind::Fine, &policy), Verdict::Undecided);
        }
        assert_eq!(probes.conclude(instead, Kind::Fine, &policy), Verdict::Back);
    }

    #[test]
    fn two_bad_probes_of_three_decide_at_once() {
        let policy = Policy::default();
        let mut probes = Probes::new(&policy);
        let [first, second] = [probes.lend(0, 100).unwrap(), probes.lend(0, 100).unwrap()];
        assert_eq!(probes.conclude(first, Kind::Slow, &policy), Verdict::Undecided);
        assert_eq!(probes.conclude(second, Kind::Failed, &policy), Verdict::Away);
    }
}
