//! Settles how fast each lane will probably be called from now on: what waits now, drained by weight, while people go on coming as they just did.
//!
//! It says when to ask again, so that nobody asks often; what is promised does not rest on it ([`super::promise`]).
//! The drain is a fluid: between two moments at which a lane runs empty every lane has a constant speed. Shares are
//! weighted max-min fair: a lane without a backlog takes no more than those who come to it.

use serde::{Deserialize, Serialize};

/// Below so many people nobody waits.
const NOBODY: f64 = 0.5;
/// A course ends here, in seconds: nobody is told a time beyond it.
const HORIZON_S: f64 = 6.0 * 3_600.0;

/// A lane as it is now, in people who will come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demand {
    pub(super) waiting: f64,
    /// Per second.
    pub(super) arriving: f64,
    pub(super) weight: f64,
}

/// A stretch of time in which a lane is called at one speed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// How long it lasts.
    pub seconds: f64,
    /// Called per second.
    pub per_s: f64,
}

/// The legs of each lane when `rate` people can be served per second.
pub(super) fn courses(demands: &[Demand], rate: f64) -> Vec<Vec<Leg>> {
    let mut demands = demands.to_vec();
    let mut courses = vec![Vec::new(); demands.len()];
    let mut left_s = HORIZON_S;
    // Each leg but the last empties a lane, and a lane that is empty stays so.
    for _ in 0..=demands.len() {
        let speeds = shares(&demands, rate, None);
        let empties = demands
            .iter()
            .zip(&speeds)
            .filter(|(demand, speed)| has_backlog(demand) && **speed > demand.arriving);
        let seconds =
            empties.map(|(demand, speed)| demand.waiting / (speed - demand.arriving)).fold(left_s, f64::min);
        for (number, course) in courses.iter_mut().enumerate() {
            // Whoever joins a lane without a backlog is a reason to call it faster.
            let speed = shares(&demands, rate, Some(number)).get(number).copied().unwrap_or(0.0);
            course.push(Leg { seconds, per_s: speed });
        }
        left_s -= seconds;
        if left_s <= 0.0 {
            break;
        }
        for (demand, speed) in demands.iter_mut().zip(&speeds) {
            demand.waiting = (demand.waiting + (demand.arriving - speed) * seconds).max(0.0);
        }
    }
    courses
}

/// Seconds until so many of a lane have been called.
pub(super) fn seconds_to_call(legs: &[Leg], mut tickets: f64) -> f64 {
    let mut elapsed = 0.0;
    for leg in legs {
        if tickets <= leg.seconds * leg.per_s {
            return elapsed + tickets / leg.per_s.max(f64::MIN_POSITIVE);
        }
        tickets -= leg.seconds * leg.per_s;
        elapsed += leg.seconds;
    }
    HORIZON_S
}

fn has_backlog(demand: &Demand) -> bool {
    demand.waiting > NOBODY
}

/// `rate` by weight; a lane without a backlog takes what comes to it at most, except the `eager` one.
fn shares(demands: &[Demand], rate: f64, eager: Option<usize>) -> Vec<f64> {
    let mut shares = vec![None; demands.len()];
    let mut left = rate;
    loop {
        let open = |number: usize, shares: &[Option<f64>]| shares.get(number).is_some_and(Option::is_none);
        let weight: f64 = demands
            .iter()
            .enumerate()
            .filter(|(number, _)| open(*number, &shares))
            .map(|(_, demand)| demand.weight)
            .sum();
        let per_weight = left / weight.max(f64::MIN_POSITIVE);
        let content = demands.iter().enumerate().find(|(number, demand)| {
            let is_hungry = has_backlog(demand) || eager == Some(*number);
            open(*number, &shares) && !is_hungry && demand.arriving <= demand.weight * per_weight
        });
        let Some((number, demand)) = content else {
            let rest = shares.iter().zip(demands);
            return rest.map(|(share, demand)| share.unwrap_or(demand.weight * per_weight)).collect();
        };
        left -= demand.arriving;
        if let Some(share) = shares.get_mut(number) {
            *share = Some(demand.arriving);
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these figures are exact")]
mod tests {
    use super::*;

    fn demand(waiting: f64, arriving: f64, weight: f64) -> Demand {
        Demand { waiting, arriving, weight }
    }

    #[test]
    fn one_lane_is_called_at_the_whole_rate() {
        let courses = courses(&[demand(100.0, 40.0, 1.0)], 20.0);
        assert_eq!(seconds_to_call(&courses[0], 100.0), 5.0);
        assert_eq!(seconds_to_call(&courses[0], 0.0), 0.0);
    }

    #[test]
    fn a_lane_that_runs_empty_leaves_its_share_to_the_others() {
        // 10 a second each; after 10 s the first is empty and goes on taking the 5 who come.
        let courses = courses(&[demand(50.0, 5.0, 1.0), demand(1_000.0, 50.0, 1.0)], 20.0);
        assert_eq!(courses[1][0], Leg { seconds: 10.0, per_s: 10.0 });
        assert_eq!(courses[1][1].per_s, 15.0);
        assert_eq!(seconds_to_call(&courses[1], 100.0 + 150.0), 20.0);
    }

    #[test]
    fn whoever_joins_a_lane_without_a_backlog_has_its_share_at_once() {
        let courses = courses(&[demand(0.0, 1.0, 3.0), demand(1_000.0, 50.0, 1.0)], 20.0);
        assert_eq!((courses[0][0].per_s, courses[1][0].per_s), (15.0, 19.0));
    }

    #[test]
    fn a_lane_in_which_nobody_waits_yet_takes_no_more_than_its_weight() {
        let courses = courses(&[demand(0.0, 30.0, 1.0), demand(100.0, 0.0, 1.0)], 20.0);
        assert_eq!(courses[1][0], Leg { seconds: 10.0, per_s: 10.0 });
    }

    #[test]
    fn without_any_capacity_nobody_is_told_a_time_of_today() {
        let courses = courses(&[demand(10.0, 1.0, 1.0)], 0.0);
        assert_eq!(seconds_to_call(&courses[0], 5.0), HORIZON_S);
        assert_eq!(seconds_to_call(&[], 5.0), HORIZON_S);
    }
}
