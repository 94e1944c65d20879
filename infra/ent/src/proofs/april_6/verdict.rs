//! Settles the aims of the proof by name, the counts they need to mean anything, and what makes a run void.

use serde::Serialize;

use super::calibration::Capacity;
use super::figures::Figures;
use crate::proofs::aim::{Aim, Outcome};
use crate::proofs::seen::real;

/// The verdict.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) aims: Vec<Aim>,
    /// Why the run is void, if it is.
    pub(super) void: Vec<String>,
}

/// The arrivals that are missing, or late by this much, are the generator's fault.
const LATE_S: f64 = 2.0;
const LEAST_ARRIVED: f64 = 0.99;
/// There are virtual users enough for a target that serves this share of its capacity: when it serves less and they run out,
/// people are still inside because of it, and those who could not come are people it did not serve.
const PROVISION: f64 = 0.9;
/// Beyond this ratio between the calibrations the machine was not the same.
const DRIFT: f64 = 1.6;

/// Judges a run.
pub(super) fn verdict(
    figures: &Figures,
    capacity: &Capacity,
    dropped: usize,
    has_waiting_room: bool,
    has_flood: bool,
) -> Verdict {
    let void = void(figures, capacity, dropped);
    let aims = aims(figures, capacity, has_waiting_room, has_flood);
    let outcome = if !void.is_empty() {
        Outcome::Void
    } else if aims.iter().all(|aim| aim.is_met() || !aim.applies) {
        Outcome::Green
    } else {
        Outcome::Red
    };
    Verdict { outcome, aims, void }
}

fn void(figures: &Figures, capacity: &Capacity, dropped: usize) -> Vec<String> {
    let mut reasons = Vec::new();
    let arrived = real(figures.arrived + dropped) / real(figures.planned.max(1));
    let did_its_part = figures.goodput_per_s >= PROVISION * capacity.mean();
    if dropped > 0 && did_its_part {
        reasons.push(format!("{dropped} people could not come: the generator had no virtual user left"));
    }
    if arrived < LEAST_ARRIVED {
        reasons.push(format!("only {} of {} people came or were reported", figures.arrived, figures.planned));
    }
    if dropped == 0 && figures.lateness_s > LATE_S {
        reasons.push(format!("the generator was {:.1} s late", figures.lateness_s));
    }
    if capacity.drift() > DRIFT {
        let Capacity { before, after } = capacity;
        reasons
            .push(format!("the machine was not the same: {before:.1} sign-ins/s before, {after:.1} after"));
    }
    reasons
}

#[rustfmt::skip]
fn aims(figures: &Figures, capacity: &Capacity, has_waiting_room: bool, has_flood: bool) -> Vec<Aim> {
    let people = figures.planned;
    let least = |name, title, found, limit, unit, samples, needed| Aim {
        name, title, found, limit, unit, is_least: true, samples, needed, applies: true,
    };
    let most = |name, title, found, limit, unit, samples, needed| Aim {
        name, title, found, limit, unit, is_least: false, samples, needed, applies: true,
    };
    let few = people / 2;
    let served = real(figures.served) / real(people.max(1));
    let goodput = figures.goodput_per_s / capacity.mean();
    let (all, flood) = (figures.signed_in, figures.in_flood);
    let overtaken = real(figures.order.overtaken);
    let late = most("late", "people let in later than 1.2 times the first estimate", Some(real(figures.late)), 0.0, "", figures.told, people / 20);
    let mut aims = vec![
        least("served", "served of planned, within patience", Some(served), 0.98, "", people, 1),
        least("goodput", "sign-ins on the plateaus while anyone waits, of capacity", Some(goodput), 0.95, "", figures.crowded_s, 60),
        most("signed_in_p99", "steps of signed-in people, p99", Some(all.p99_ms), 200.0, "ms", all.count, 1_000),
        least("signed_in_success", "steps of signed-in people that succeed", Some(all.success), 0.999, "", all.count, 1_000),
        most("attempts", "attempts per person", Some(figures.attempts), 3.0, "", figures.arrived, few),
        most("overtaken", "people overtaken beyond one second's order in their lane", Some(overtaken), 0.0, "", figures.order.judged, few),
        Aim { applies: has_waiting_room, ..late },
    ];
    // A day without an attack is not judged by one.
    if has_flood {
        aims.extend([
            most("flood_p99", "the same during the flood, p99", Some(flood.p99_ms), 200.0, "ms", flood.count, 100),
            least("flood_success", "the same during the flood, that succeed", Some(flood.success), 0.999, "", flood.count, 100),
            most("normal_again", "normal again after the flood's end", figures.normal_after_s, 60.0, "s", figures.in_flood.count, 100),
        ]);
    }
    aims
}

#[cfg(test)]
mod tests {
    use super::super::figures::Latency;
    use super::super::order::Order;
    use super::*;

    const SAME: Capacity = Capacity { before: 40.0, after: 40.0 };

    fn good() -> Figures {
        let fast = Latency { count: 5_000, p99_ms: 150.0, success: 1.0 };
        Figures {
            planned: 10_000,
            arrived: 10_000,
            served: 9_990,
            goodput_per_s: 39.0,
            crowded_s: 170,
            attempts: 2.5,
            attempts_p99: 5.0,
            polls: 6.0,
            order: Order { judged: 10_000, overtaken: 0, worst_s: 0.0 },
            told: 6_000,
            late: 0,
            signed_in: fast,
            in_flood: fast,
            normal_after_s: Some(5.0),
            lateness_s: 0.2,
        }
    }

    fn outcome(figures: &Figures) -> Outcome {
        verdict(figures, &SAME, 0, true, true).outcome
    }

    fn missed(figures: &Figures) -> Vec<&'static str> {
        let aims = verdict(figures, &SAME, 0, true, true).aims;
        aims.iter().filter(|aim| !aim.is_met()).map(|aim| aim.name).collect()
    }

    #[test]
    fn each_aim_alone_makes_a_run_red() {
        assert_eq!(outcome(&good()), Outcome::Green);
        let slow = Latency { p99_ms: 201.0, ..good().signed_in };
        let failing = Latency { success: 0.998, ..good().signed_in };
        let cases = [
            (Figures { served: 9_700, ..good() }, "served"),
            (Figures { goodput_per_s: 37.0, ..good() }, "goodput"),
            (Figures { signed_in: slow, ..good() }, "signed_in_p99"),
            (Figures { signed_in: failing, ..good() }, "signed_in_success"),
            (Figures { in_flood: slow, ..good() }, "flood_p99"),
            (Figures { in_flood: failing, ..good() }, "flood_success"),
            (Figures { attempts: 3.1, ..good() }, "attempts"),
            (Figures { order: Order { overtaken: 1, ..good().order }, ..good() }, "overtaken"),
            (Figures { late: 1, ..good() }, "late"),
            (Figures { normal_after_s: Some(65.0), ..good() }, "normal_again"),
            (Figures { normal_after_s: None, ..good() }, "normal_again"),
        ];
        for (figures, name) in cases {
            assert_eq!(missed(&figures), [name]);
            assert_eq!(outcome(&figures), Outcome::Red);
        }
    }

    #[test]
    fn a_figure_without_samples_is_missed_and_not_met() {
        let none = Latency::default();
        for (figures, name) in [
            (Figures { crowded_s: 0, ..good() }, "goodput"),
            (Figures { signed_in: Latency { success: 1.0, ..none }, ..good() }, "signed_in_p99"),
            (Figures { in_flood: Latency { success: 1.0, ..none }, ..good() }, "flood_p99"),
            (Figures { told: 0, ..good() }, "late"),
        ] {
            assert!(missed(&figures).contains(&name), "{name}");
        }
    }

    #[test]
    fn what_the_generator_could_not_do_is_neither_green_nor_red() {
        assert_eq!(verdict(&good(), &SAME, 3, true, true).outcome, Outcome::Void);
        let weak = Figures { goodput_per_s: 30.0, served: 9_000, ..good() };
        assert_eq!(verdict(&weak, &SAME, 900, true, true).outcome, Outcome::Red);
        assert_eq!(outcome(&Figures { arrived: 9_800, ..good() }), Outcome::Void);
        assert_eq!(outcome(&Figures { lateness_s: 2.5, ..good() }), Outcome::Void);
        let other = Capacity { before: 40.0, after: 24.0 };
        assert_eq!(verdict(&good(), &other, 0, true, true).outcome, Outcome::Void);
    }

    #[test]
    fn a_day_without_an_attack_is_not_judged_by_one() {
        let quiet = Figures { in_flood: Latency::default(), normal_after_s: None, ..good() };
        assert_eq!(outcome(&quiet), Outcome::Red);
        assert_eq!(verdict(&quiet, &SAME, 0, true, false).outcome, Outcome::Green);
    }

    #[test]
    fn what_a_target_cannot_do_is_not_green() {
        let found = verdict(&good(), &SAME, 0, false, true);
        let late = found.aims.iter().find(|aim| aim.name == "late").unwrap();
        assert_eq!((late.mark(), late.is_met()), ("n/a", false));
    }
}
