//! Settles the curves of the report: figures over windows of five seconds.

use std::collections::BTreeMap;

use super::figures::{index, percentile, steps};
use super::plan::Plan;
use crate::proofs::seen::{Seen, real, seconds};

/// Width of a window, in seconds.
const WINDOW_S: f64 = 5.0;
/// Roles, as k6 names them.
const ROLES: [&str; 4] = ["pupil", "guardian", "teacher", "head"];

/// A named line: seconds of the run and values.
pub(super) type Curve = (String, Vec<(f64, f64)>);

/// The curves of a run.
pub(super) struct Series {
    /// Until when anything happened, in seconds.
    pub(super) length_s: f64,
    pub(super) flow: Vec<Curve>,
    pub(super) sign_in: Vec<Curve>,
    pub(super) waiting: Vec<Curve>,
    pub(super) latency: Vec<Curve>,
    /// Attempts, and how many people needed so many.
    pub(super) attempts: BTreeMap<u32, usize>,
}

impl Series {
    /// The curves of a run.
    pub(super) fn of(plan: &Plan, seen: &Seen) -> Self {
        let last = seen.people.iter().filter_map(|person| person.signed_in).max().unwrap_or(seen.start);
        let length_s = seen.since_start(last).max(plan.length_s) + WINDOW_S;
        let mut attempts = BTreeMap::new();
        for person in &seen.people {
            *attempts.entry(person.attempts).or_default() += 1;
        }
        Self {
            length_s,
            flow: flow(plan, seen, length_s),
            sign_in: ROLES.iter().map(|role| time_to_sign_in(seen, role)).collect(),
            waiting: vec![("people waiting".to_owned(), waiting(seen, length_s))],
            latency: signed_in_latency(seen, length_s),
            attempts,
        }
    }
}

fn flow(plan: &Plan, seen: &Seen, length_s: f64) -> Vec<Curve> {
    let planned = windows(length_s).map(|at| (at, plan.rate_at(at + WINDOW_S / 2.0))).collect();
    let arrived = seen.people.iter().map(|person| seen.since_start(person.arrived));
    let served = seen.people.iter().filter_map(|person| person.signed_in).map(|at| seen.since_start(at));
    vec![
        ("planned per second".to_owned(), planned),
        ("came per second".to_owned(), per_second(arrived, length_s)),
        ("signed in per second".to_owned(), per_second(served, length_s)),
    ]
}

/// By the time of arrival, from the first attempt to success, at the 95th percentile.
fn time_to_sign_in(seen: &Seen, role: &str) -> Curve {
    let mut by_window: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for person in seen.people.iter().filter(|person| person.role == role) {
        let window = index(seen.since_start(person.arrived) / WINDOW_S);
        if let Some(at) = person.signed_in {
            by_window.entry(window).or_default().push(seconds(at.saturating_sub(person.arrived)));
        }
    }
    let points = by_window
        .into_iter()
        .map(|(window, mut times)| (real(window) * WINDOW_S, percentile(&mut times, 0.95)));
    (format!("{role}, p95"), points.collect())
}

fn waiting(seen: &Seen, length_s: f64) -> Vec<(f64, f64)> {
    let count = |at: f64| {
        let waits = seen.people.iter().filter(|person| {
            let came = seen.since_start(person.arrived) <= at;
            came && person.let_in.is_some_and(|let_in| seen.since_start(let_in) > at)
        });
        real(waits.count())
    };
    windows(length_s).map(|at| (at, count(at))).collect()
}

fn signed_in_latency(seen: &Seen, length_s: f64) -> Vec<Curve> {
    let mut middle = Vec::new();
    let mut worst = Vec::new();
    let mut by_window: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for step in steps(seen, 0.0, length_s) {
        by_window.entry(index(seen.since_start(step.1) / WINDOW_S)).or_default().push(step.2);
    }
    for (window, mut times) in by_window {
        let at = real(window) * WINDOW_S;
        middle.push((at, percentile(&mut times, 0.5)));
        worst.push((at, percentile(&mut times, 0.99)));
    }
    vec![("p50 in ms".to_owned(), middle), ("p99 in ms".to_owned(), worst)]
}

fn per_second(times: impl Iterator<Item = f64>, length_s: f64) -> Vec<(f64, f64)> {
    let mut counts: Vec<usize> = windows(length_s).map(|_| 0).collect();
    for at in times {
        if let Some(count) = counts.get_mut(index(at / WINDOW_S)) {
            *count += 1;
        }
    }
    windows(length_s).zip(counts).map(|(at, count)| (at, real(count) / WINDOW_S)).collect()
}

fn windows(length_s: f64) -> impl Iterator<Item = f64> {
    (0..index(length_s / WINDOW_S)).map(|window| real(window) * WINDOW_S)
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::plan;
    use super::*;
    use crate::proofs::seen::tests::pupil;

    #[test]
    fn the_curves_show_who_came_who_waited_and_who_got_in() {
        let people = (0..20).map(|n| pupil(10.0 + f64::from(n) / 10.0, 20.5)).collect();
        let series = Series::of(&plan(), &Seen { start: 1_000_000, people });
        let of = |curves: &[Curve], name: &str| {
            curves.iter().find(|(title, _)| title.starts_with(name)).unwrap().1.clone()
        };
        assert_eq!(of(&series.flow, "came")[2], (10.0, 4.0));
        assert_eq!(of(&series.flow, "signed")[4], (20.0, 4.0));
        assert_eq!(of(&series.flow, "planned")[2], (10.0, 10.0));
        assert_eq!(of(&series.waiting, "people")[3], (15.0, 20.0));
        assert_eq!(of(&series.sign_in, "pupil"), [(10.0, 10.4)]);
        assert_eq!(series.attempts, BTreeMap::from([(1, 20)]));
    }
}
