//! Settles whose turn it is among the lanes: over time each is called by its weight, however long its people take to come.
//!
//! Why: to share what is free at a moment by weight favours the lane whose people come fastest, since theirs is free again first.
//! So it is remembered what each lane has been called, divided by its weight, beside what it was due: start-time fair queueing
//! (Goyal, Vin & Cheng 1996). Nothing older than [`REMEMBERED_S`] counts: a lane in which nobody waited is owed nothing.

/// Neither what a lane is owed nor what it had too early counts for more than this much of its share, in seconds.
const REMEMBERED_S: f64 = 1.0;

/// What the lanes were called, per weight.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    due: f64,
    called: Vec<f64>,
}

impl Turns {
    /// All lanes even.
    pub(super) fn new(lanes: usize) -> Self {
        Self { due: 0.0, called: vec![0.0; lanes] }
    }

    /// After so many seconds at `rate` people per second; `weights` are those of the lanes that have somebody to call, and 0 of the others.
    pub(super) fn pass(&mut self, seconds: f64, rate: f64, weights: &[f64]) {
        let sum: f64 = weights.iter().sum();
        if sum <= 0.0 {
            return;
        }
        self.due += seconds * rate / sum;
        let [earliest, latest] = [-1.0, 1.0].map(|sign| self.due + sign * REMEMBERED_S * rate / sum);
        for called in &mut self.called {
            *called = called.clamp(earliest, latest);
        }
    }

    /// People of a lane whose turn it is by now.
    pub(super) fn owed(&self, lane: usize, weight: f64) -> f64 {
        self.called.get(lane).map_or(0.0, |called| (self.due - called).max(0.0) * weight)
    }

    /// So many people of a lane have been called.
    pub(super) fn call(&mut self, lane: usize, weight: f64, people: f64) {
        if let Some(called) = self.called.get_mut(lane) {
            *called += people / weight;
        }
    }

    /// `people` for the lanes that have a weight, so that those behind catch up first.
    pub(super) fn level(&self, people: f64, weights: &[f64]) -> Vec<f64> {
        let mut lanes: Vec<(f64, f64)> = self.called.iter().copied().zip(weights.iter().copied()).collect();
        lanes.retain(|(_, weight)| *weight > 0.0);
        lanes.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (mut sum, mut held, mut level) = (0.0, people, 0.0);
        for (called, weight) in lanes {
            if sum > 0.0 && level <= called {
                break;
            }
            sum += weight;
            held += called * weight;
            level = held / sum;
        }
        let up_to_level = |(called, weight): (&f64, &f64)| (level - called).max(0.0) * weight;
        self.called.iter().zip(weights).map(up_to_level).collect()
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these figures are exact")]
mod tests {
    use super::*;

    #[test]
    fn even_lanes_share_by_weight() {
        let turns = Turns::new(3);
        assert_eq!(turns.level(12.0, &[1.0, 0.0, 2.0]), [4.0, 0.0, 8.0]);
        assert_eq!(turns.level(12.0, &[0.0, 0.0, 0.0]), [0.0, 0.0, 0.0]);
    }

    #[test]
    fn whoever_is_behind_catches_up_first() {
        let mut turns = Turns::new(2);
        turns.call(0, 1.0, 6.0);
        assert_eq!(turns.level(4.0, &[1.0, 1.0]), [0.0, 4.0]);
        assert_eq!(turns.level(10.0, &[1.0, 1.0]), [2.0, 8.0]);
    }

    #[test]
    fn a_lane_is_owed_its_share_of_the_time_and_no_more_than_a_second_of_it() {
        let mut turns = Turns::new(2);
        turns.pass(0.5, 20.0, &[1.0, 1.0]);
        assert_eq!(turns.owed(0, 1.0), 5.0);
        turns.call(0, 1.0, 5.0);
        turns.pass(60.0, 20.0, &[1.0, 1.0]);
        assert_eq!([turns.owed(0, 1.0), turns.owed(1, 1.0)], [10.0, 10.0]);
        turns.call(0, 1.0, 1_000.0);
        turns.pass(2.0, 20.0, &[1.0, 1.0]);
        turns.pass(1.0, 20.0, &[1.0, 1.0]);
        assert_eq!(turns.owed(0, 1.0), 0.0, "it had 10 too early, and 10 were due since");
    }
}
