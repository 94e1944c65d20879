//! Settles who comes next when more people want in than can be served: order of arrival within weighted lanes, at the pace of those who do come.
//!
//! Why: a server that refuses whoever comes when it is full serves whoever retries fastest, and everybody retries. Here a
//! refused person gets a place that nobody behind can take, and an hour to come back at.
//! When it trips: work that is taken and not done exceeds what can be done in [`HORIZON`]; or somebody waits already.
//! How it recovers: when nobody waits any more, the room is open and newcomers enter directly.
//!
//! Tickets are not stored anywhere; what is known of them is how many were given in each second of each lane, and how many of
//! those have asked again. A *mark* per lane says how far people have been called: everybody before it may enter. The mark moves so
//! that work taken, plus those who were called and are on their way, is what can be done in [`HORIZON`]. Everybody is told to ask
//! again within half a minute: after that, only those who did count as people. An attacker's tickets, which nobody keeps, then hold up
//! nobody.
//! Arrival groups by time are Cloudflare Waiting Room's idea (theirs are minutes, these are seconds); the weights are deficit round robin.

mod called;
mod forecast;
mod promise;
mod room;
#[cfg(test)]
mod simulation;
mod turns;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use forecast::Leg;
pub use promise::{Appointment, Standing};
pub use room::Room;

/// How much work is kept at hand: enough to bridge the way from "you are called" to "here I am".
pub const HORIZON: Duration = Duration::from_secs(3);

/// A second is over, and all its tickets have been reported, so long after its beginning.
const SETTLED_MS: u64 = 1_500;

/// A place in a lane: the second of arrival, and a spot within it that nobody can choose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Unix seconds.
    pub second: u64,
    /// Evenly spread over the whole range.
    pub spot: u32,
}

/// How many tickets of each second.
pub type Arrivals = BTreeMap<u64, u32>;

/// How many people of each second, as far as is known.
pub type People = BTreeMap<u64, f64>;

/// What one instance says of itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// Unix milliseconds.
    pub at_ms: u64,
    /// People it can serve, per second.
    pub rate: f64,
    /// People it is willing to have at hand at once; as a rule what it can serve in [`HORIZON`].
    pub holds: f64,
    /// People whose service has been taken on and is not finished.
    pub taken: u32,
    /// Its lanes, in their order.
    pub lanes: Vec<LaneReport>,
}

/// One lane of an instance.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LaneReport {
    /// Tickets that it gave, from the mark on.
    pub given: Arrivals,
    /// Of all tickets from the mark on, those that asked here for the first time again.
    pub returned: Arrivals,
    /// Tickets that it gave since it started.
    pub came: u64,
    /// Tickets that were used at it since it started.
    pub used: u64,
}

/// What all instances go by.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Unix milliseconds.
    pub at_ms: u64,
    /// Nobody waits: newcomers enter directly.
    pub is_open: bool,
    /// The lanes, in their order.
    pub lanes: Vec<Lane>,
}

/// One lane.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    /// Everybody before it has been called.
    pub mark: Position,
    /// People called per second, as long as those lanes have somebody waiting that have now.
    pub pace: f64,
    /// How fast it will probably be called from now on.
    pub course: Vec<Leg>,
    /// Tickets given per second of late.
    pub arriving: f64,
    /// Share of those called who do come.
    pub show_up: f64,
    /// People from the mark's second on.
    pub waiting: People,
    /// Of these, those of whom it is not known yet whether they ask again.
    pub unsure: People,
}

impl Lane {
    /// Whether the holder of this position may enter.
    pub fn has_called(&self, position: Position) -> bool {
        position < self.mark
    }

    /// People between the mark and a position.
    pub fn ahead_of(&self, position: Position) -> f64 {
        if self.has_called(position) {
            return 0.0;
        }
        let before: f64 =
            self.waiting.range(self.mark.second..position.second).map(|(_, people)| people).sum();
        let same = self.people_of(position.second) * share(position.spot);
        (before + same - self.people_of(self.mark.second) * share(self.mark.spot)).max(0.0)
    }

    /// Those of them who have asked again.
    fn surely_ahead_of(&self, position: Position) -> f64 {
        let unsure: f64 = self.unsure.range(..=position.second).map(|(_, people)| people).sum();
        (self.ahead_of(position) - unsure).max(0.0)
    }

    /// Everybody who came before this moment has been called, in Unix seconds; it moves within a second as well.
    pub fn called_until_s(&self) -> f64 {
        real(self.mark.second) + share(self.mark.spot)
    }

    /// People who have not been called.
    pub fn waiting(&self) -> f64 {
        let all: f64 = self.waiting.range(self.mark.second..).map(|(_, people)| people).sum();
        (all - self.people_of(self.mark.second) * share(self.mark.spot)).max(0.0)
    }

    fn people_of(&self, second: u64) -> f64 {
        self.waiting.get(&second).copied().unwrap_or(0.0)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of people are far below 2^53")]
fn real(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what is wanted"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

/// How much of its second lies before a spot.
fn share(spot: u32) -> f64 {
    f64::from(spot) / (f64::from(u32::MAX) + 1.0)
}
