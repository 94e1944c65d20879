//! Settles what a waiting person is told: when it will be their turn at the latest, and when to ask again.
//!
//! Nothing is promised before the second of arrival is over and counted. Then the estimate is a promise, with room to spare; it
//! travels in the ticket and never rises. When it cannot be kept, that has a name of its own, `delayed`, and is counted.

use super::forecast::seconds_to_call;
use super::{Lane, Position, SETTLED_MS, State, real, share, whole};

/// A promise is this much longer than the estimate …
const SPARE: f64 = 1.15;
/// … and by so many seconds.
const SPARE_S: f64 = 6.0;
/// Whoever waits asks again after this share of the time that it will probably take: should it take half of it, they are there.
const EARLY: f64 = 0.5;
/// Whoever is not promised anything yet asks again after this share of the time …
const COUNTED: f64 = 0.6;
/// … and after so many seconds at most.
pub(super) const COUNTED_S: f64 = 30.0;
/// The state is this old at most, in seconds.
const TICK_S: f64 = 0.2;
/// Nobody asks again sooner than this, in seconds, spread by up to as much again …
const SOONEST_S: f64 = 1.0;
/// … nor later, spread by up to as much again: people want to see that they have not been forgotten.
const LATEST_S: f64 = 15.0;
/// Nobody is told a time beyond this, in seconds: the room would have to be closed first.
const LONGEST_S: f64 = 6.0 * 3_600.0;

/// How a person stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is their turn.
    Called,
    /// Their second is not counted yet: nothing is promised.
    Counting,
    /// They will be called by the time that was promised.
    Waiting,
    /// They will be called later than was promised.
    Delayed,
}

/// What a person is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appointment {
    /// How they stand.
    pub standing: Standing,
    /// People before them.
    pub ahead: u64,
    /// Unix second by which it is their turn: as promised, or later when they are delayed.
    pub turn_at: Option<u64>,
    /// What the ticket carries from now on.
    pub promised: Option<u64>,
    /// Seconds after which to ask again.
    pub ask_again_in_s: u64,
}

impl State {
    /// How the holder of a position in a lane stands, who may have been promised a second before.
    pub fn appointment(
        &self,
        lane: usize,
        position: Position,
        promised: Option<u64>,
        now_ms: u64,
    ) -> Appointment {
        // The spot is as good as a random number, and costs none.
        let spread = 1.0 + share(position.spot.reverse_bits());
        let soonest = whole((SOONEST_S * spread).ceil());
        let unknown = Lane::default();
        let lane = self.lanes.get(lane).unwrap_or(&unknown);
        let told = |standing, ask_again_in_s| Appointment {
            standing,
            ahead: 0,
            turn_at: None,
            promised,
            ask_again_in_s,
        };
        if self.is_open || lane.has_called(position) {
            return told(Standing::Called, 0);
        }
        let settled_at_ms = (position.second + 1) * 1_000 + SETTLED_MS;
        if self.at_ms < settled_at_ms {
            let settled_in_s = real(settled_at_ms.saturating_sub(now_ms)) / 1_000.0;
            let probably = seconds_to_call(&lane.course, lane.ahead_of(position));
            let ask = (probably * COUNTED).min(COUNTED_S).max(settled_in_s + TICK_S);
            return told(Standing::Counting, whole(ask.ceil()));
        }
        let ahead = lane.ahead_of(position);
        let now_s = now_ms / 1_000;
        let at_the_latest = (ahead / lane.pace).min(LONGEST_S);
        let promise = promised.unwrap_or(now_s + whole((at_the_latest * SPARE + SPARE_S).ceil()));
        let probably = seconds_to_call(&lane.course, ahead).min(LONGEST_S);
        let expected_at = now_s + whole(probably.ceil());
        let is_late = expected_at > promise;
        let soon = seconds_to_call(&lane.course, lane.surely_ahead_of(position));
        let ask = (soon * EARLY).clamp(real(soonest), LATEST_S * spread);
        Appointment {
            standing: if is_late { Standing::Delayed } else { Standing::Waiting },
            ahead: whole(ahead),
            turn_at: Some(expected_at.max(promise)),
            promised: Some(promise),
            ask_again_in_s: whole(ask.round()),
        }
    }
}
