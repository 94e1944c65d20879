//! Settles how far each lane is called, from what the instances report; whoever holds the lease runs it.

use std::collections::BTreeMap;

use super::called::Called;
use super::forecast::{self, Demand};
use super::promise::COUNTED_S;
use super::turns::Turns;
use super::{Arrivals, Lane, People, Position, Report, SETTLED_MS, State, real, share, whole};

/// A report that is older belongs to an instance that is gone.
const REPORT_LIFE_MS: u64 = 3_000;
/// A lane is busy when more than this part of its share of the rate comes to it.
const BUSY: f64 = 0.25;
/// With less work at hand than this, in seconds, capacity is about to be lost.
const AT_HAND_S: f64 = 1.0;
/// How far back "of late" reaches, in seconds.
const OF_LATE_S: f64 = 8.0;

/// The one that calls. It begins with the state that the last holder of the lease left.
#[derive(Debug)]
pub struct Room {
    weights: Vec<f64>,
    state: State,
    called: Vec<Called>,
    turns: Turns,
    /// Tickets given and used, by instance and lane, as last reported.
    counted: BTreeMap<String, Vec<(u64, u64)>>,
}

impl Room {
    /// Goes on from `state`, with one weight per lane.
    pub fn resume(weights: &[f64], mut state: State) -> Self {
        state.lanes.resize_with(weights.len(), || Lane { show_up: 1.0, ..Lane::default() });
        let called = state.lanes.iter().map(|lane| Called::resume(lane.show_up)).collect();
        let turns = Turns::new(weights.len());
        Self { weights: weights.to_vec(), state, called, turns, counted: BTreeMap::new() }
    }

    /// Changes how the lanes share what there is.
    pub fn set_weights(&mut self, weights: &[f64]) {
        for (weight, new) in self.weights.iter_mut().zip(weights) {
            *weight = *new;
        }
    }

    /// Calls as many as can be served, and says how things stand. To be done five times a second.
    pub fn advance(&mut self, now_ms: u64, reports: &BTreeMap<String, Report>) -> &State {
        let alive = |report: &&Report| report.at_ms + REPORT_LIFE_MS >= now_ms;
        let alive: Vec<&Report> = reports.values().filter(alive).collect();
        self.note_who_came(now_ms, reports);
        self.called.iter_mut().for_each(|called| called.tick(now_ms));
        let settled = now_ms.saturating_sub(SETTLED_MS) / 1_000;
        self.collect_waiting(now_ms, &alive, settled);
        let rate: f64 = alive.iter().map(|report| report.rate).sum();
        self.turns.pass(self.seconds_to(now_ms), rate, &self.weights_of_callable(settled));
        let taken: f64 = alive.iter().map(|report| f64::from(report.taken)).sum();
        let room = alive.iter().map(|report| report.holds).sum::<f64>() - taken;
        let left = self.call(now_ms, settled, room, (rate * AT_HAND_S - taken).max(0.0));
        let waiting: f64 = self.state.lanes.iter().map(Lane::waiting).sum();
        // The few whose second is not over yet are called with it, when there is room for all of them.
        self.state.is_open = waiting <= left;
        self.state.at_ms = now_ms;
        self.set_pace(rate);
        self.set_course(rate);
        &self.state
    }

    fn note_who_came(&mut self, now_ms: u64, reports: &BTreeMap<String, Report>) {
        let mut new = vec![0.0; self.called.len()];
        for (instance, report) in reports {
            let now: Vec<(u64, u64)> = report.lanes.iter().map(|lane| (lane.came, lane.used)).collect();
            // Who came before this room was looking was called by another.
            let before = self.counted.insert(instance.clone(), now.clone()).unwrap_or_else(|| now.clone());
            let lanes = self.called.iter_mut().zip(&mut new);
            for (((called, new), now), before) in lanes.zip(now).zip(before) {
                // An instance that started anew counts from nothing.
                let since = |now: u64, before: u64| real(now.checked_sub(before).unwrap_or(now));
                *new += since(now.0, before.0);
                called.come(now_ms, since(now.1, before.1));
            }
        }
        self.counted.retain(|instance, _| reports.contains_key(instance));
        let seconds = self.seconds_to(now_ms);
        let weight = 1.0 - (-seconds / OF_LATE_S).exp();
        for (lane, new) in self.state.lanes.iter_mut().zip(new) {
            if seconds > 0.0 {
                lane.arriving += (new / seconds - lane.arriving) * weight;
            }
        }
    }

    /// Since the last advance.
    fn seconds_to(&self, now_ms: u64) -> f64 {
        real(now_ms.saturating_sub(self.state.at_ms)) / 1_000.0
    }

    /// Sums what the instances gave and who asked again, and moves the marks of empty lanes along with time.
    fn collect_waiting(&mut self, now_ms: u64, reports: &[&Report], settled: u64) {
        // Two seconds later, because answers, people and reports are on their way.
        let known = (now_ms / 1_000).saturating_sub(whole(COUNTED_S) + 2);
        for (number, lane) in self.state.lanes.iter_mut().enumerate() {
            let reports: Vec<_> = reports.iter().filter_map(|report| report.lanes.get(number)).collect();
            let from = lane.mark.second;
            let given = sum(reports.iter().map(|report| &report.given), from);
            let returned = sum(reports.iter().map(|report| &report.returned), from);
            lane.waiting = People::new();
            lane.unsure = People::new();
            for (second, given) in given {
                let returned = returned.get(&second).copied().unwrap_or(0.0).min(given);
                let is_known = second < known;
                lane.waiting.insert(second, if is_known { returned } else { given });
                if !is_known {
                    lane.unsure.insert(second, given - returned);
                }
            }
            if lane.mark.second < settled && callable(lane, settled) <= 0.0 {
                lane.mark = Position { second: settled, spot: 0 };
            }
        }
    }

    /// Shares what can be `served` between the lanes, of which `idle` is work that is needed soon; returns what is left.
    fn call(&mut self, now_ms: u64, settled: u64, served: f64, idle: f64) -> f64 {
        let on_their_way: Vec<f64> = self.called.iter().map(Called::on_their_way).collect();
        let mut tickets = vec![Moved::default(); self.called.len()];
        // First, each lane that needs it has its share, whoever in other lanes was called and has not come; beyond its turn only
        // when there would soon be nothing to do.
        let weights = self.weights_of_callable(settled);
        let sum: f64 = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let own = weights.iter().zip(&on_their_way).enumerate().map(|(number, (weight, way))| {
            let [share, scarce] = [served.max(0.0), idle].map(|people| people * weight / sum);
            (share - way).max(0.0).min(self.turns.owed(number, *weight) + scarce)
        });
        let own: Vec<f64> = own.collect();
        let mut left = served - on_their_way.iter().sum::<f64>() - self.take(&own, settled, &mut tickets);
        // Then what is left goes to whoever can use it; each turn empties a lane or uses it up.
        for _ in 0..self.called.len() {
            if left > 0.0 {
                let more = self.turns.level(left, &self.weights_of_callable(settled));
                left -= self.take(&more, settled, &mut tickets);
            }
        }
        for (called, tickets) in self.called.iter_mut().zip(tickets) {
            called.call(now_ms, tickets.sure, true);
            called.call(now_ms, tickets.unsure, false);
        }
        left
    }

    /// The weights of the lanes in which somebody can be called, and 0 for the others.
    fn weights_of_callable(&self, settled: u64) -> Vec<f64> {
        let lanes = self.state.lanes.iter().zip(&self.weights);
        lanes.map(|(lane, weight)| if callable(lane, settled) > 0.0 { *weight } else { 0.0 }).collect()
    }

    /// Calls so many people of each lane who will come; returns how many that are.
    fn take(&mut self, people: &[f64], settled: u64, tickets: &mut [Moved]) -> f64 {
        let lanes = self.state.lanes.iter_mut().zip(&self.called).zip(&self.weights).enumerate();
        let mut taken = 0.0;
        for (((number, ((lane, called), weight)), people), tickets) in lanes.zip(people).zip(tickets) {
            lane.show_up = called.show_up();
            let wanted = (people / lane.show_up).min(callable(lane, settled));
            tickets.add(move_mark(lane, wanted, settled));
            self.turns.call(number, *weight, wanted * lane.show_up);
            taken += wanted * lane.show_up;
        }
        taken
    }

    /// How fast each lane is called while all that have somebody waiting stay so.
    fn set_pace(&mut self, rate: f64) {
        let weights: f64 = self.weights.iter().sum();
        // Whoever comes to a lane now and then does not take all of its share.
        let is_busy = |lane: &Lane, weight: f64| {
            lane.waiting() >= 1.0 || lane.arriving > BUSY * rate * weight / weights
        };
        let lanes = self.state.lanes.iter().zip(&self.weights);
        let busy: f64 =
            lanes.filter(|(lane, weight)| is_busy(lane, **weight)).map(|(_, weight)| weight).sum();
        for (lane, own) in self.state.lanes.iter_mut().zip(&self.weights) {
            // Whoever joins an empty lane shares with those that are not.
            let all = if is_busy(lane, *own) { busy } else { busy + own };
            lane.pace = rate * own / all;
        }
    }

    /// How fast each lane will probably be called.
    fn set_course(&mut self, rate: f64) {
        let demand = |(lane, weight): (&Lane, &f64)| Demand {
            waiting: lane.waiting(),
            arriving: lane.arriving,
            weight: *weight,
        };
        let lanes = self.state.lanes.iter().zip(&self.weights);
        let courses = forecast::courses(&lanes.map(demand).collect::<Vec<_>>(), rate);
        for (lane, course) in self.state.lanes.iter_mut().zip(courses) {
            lane.course = course;
        }
    }
}

/// Tickets of all instances by second, from a second on.
fn sum<'a>(instances: impl Iterator<Item = &'a Arrivals>, from: u64) -> People {
    let mut all = People::new();
    for (second, count) in instances.flat_map(|arrivals| arrivals.range(from..)) {
        *all.entry(*second).or_default() += f64::from(*count);
    }
    all
}

/// People of a lane who can be called now.
fn callable(lane: &Lane, settled: u64) -> f64 {
    lane.ahead_of(Position { second: settled, spot: 0 })
}

/// People whom a mark was moved over: who had asked again, and who had not.
#[derive(Debug, Clone, Copy, Default)]
struct Moved {
    sure: f64,
    unsure: f64,
}

impl Moved {
    fn add(&mut self, more: Self) {
        self.sure += more.sure;
        self.unsure += more.unsure;
    }
}

/// Moves the mark over so many `people`, at most to the first second that is not settled.
fn move_mark(lane: &mut Lane, mut people: f64, settled: u64) -> Moved {
    let mut moved = Moved::default();
    while people > 0.0 && lane.mark.second < settled {
        let count = lane.people_of(lane.mark.second);
        let unsure = lane.unsure.get(&lane.mark.second).copied().unwrap_or(0.0);
        let left = count * (1.0 - share(lane.mark.spot));
        let over = people.min(left);
        let share_unsure = if count > 0.0 { unsure / count } else { 0.0 };
        moved.add(Moved { sure: over * (1.0 - share_unsure), unsure: over * share_unsure });
        if people + 1e-6 >= left {
            people -= left;
            lane.mark = Position { second: lane.mark.second + 1, spot: 0 };
        } else {
            let step = whole(people / count * (f64::from(u32::MAX) + 1.0));
            let spot = u64::from(lane.mark.spot).saturating_add(step);
            lane.mark.spot = u32::try_from(spot).unwrap_or(u32::MAX);
            people = 0.0;
        }
    }
    moved
}
