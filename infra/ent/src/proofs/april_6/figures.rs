//! Settles the figures of a run that aims are set for, each with the count it rests on.

use super::order::{Order, order};
use super::plan::Plan;
use crate::proofs::seen::{Person, Seen, Step, is_done, real, seconds};

/// What a run is judged by.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub(super) planned: usize,
    pub(super) arrived: usize,
    pub(super) served: usize,
    /// Sign-ins per second while somebody waited on a plateau, and the seconds that were.
    pub(super) goodput_per_s: f64,
    pub(super) crowded_s: usize,
    pub(super) attempts: f64,
    pub(super) attempts_p99: f64,
    /// How often people asked how it stands, in the mean of those who were told a time.
    pub(super) polls: f64,
    pub(super) order: Order,
    /// People who were told a time, and those who were let in later than 1.2 times that.
    pub(super) told: usize,
    pub(super) late: usize,
    pub(super) signed_in: Latency,
    pub(super) in_flood: Latency,
    /// Seconds after the flood's end from which on all is normal; none when it never was.
    pub(super) normal_after_s: Option<f64>,
    /// How late the generator was at worst, in seconds.
    pub(super) lateness_s: f64,
}

/// How requests of signed-in people went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Latency {
    pub(super) count: usize,
    pub(super) p99_ms: f64,
    /// Of 1.
    pub(super) success: f64,
}

/// A promise is broken beyond this multiple of the first estimate …
const LATER: f64 = 1.2;
/// … and by more seconds than an answer's rounding and the way back take.
const ROUNDING_S: f64 = 3.0;
/// Width of the windows in which things are normal or not, in seconds.
const WINDOW_S: f64 = 5.0;
/// Within these a window is normal: as the aims for the whole run.
const NORMAL_P99_MS: f64 = 200.0;
const NORMAL_SUCCESS: f64 = 0.999;

impl Figures {
    /// The figures of a run.
    pub(super) fn of(plan: &Plan, seen: &Seen) -> Self {
        let people = &seen.people;
        let served = people.iter().filter(|person| person.signed_in.is_some()).count();
        let mut attempts: Vec<f64> = people.iter().map(|person| f64::from(person.attempts)).collect();
        let mean = attempts.iter().sum::<f64>() / real(attempts.len()).max(1.0);
        let (goodput_per_s, crowded_s) = goodput(plan, seen);
        let told = people.iter().filter(|person| person.first_estimate.is_some()).count();
        let polls: u32 = people.iter().map(|person| person.polls).sum();
        let flood = plan.flood();
        Self {
            planned: plan.planned,
            arrived: people.len(),
            served,
            goodput_per_s,
            crowded_s,
            attempts: mean,
            attempts_p99: percentile(&mut attempts, 0.99),
            order: order(people),
            polls: f64::from(polls) / real(told).max(1.0),
            told,
            late: people.iter().filter(|person| is_late(person)).count(),
            signed_in: latency(steps(seen, 0.0, f64::MAX)),
            in_flood: flood.map_or_else(Latency::default, |(from, to)| latency(steps(seen, from, to))),
            normal_after_s: flood.and_then(|(_, end)| normal_after(seen, end)),
            lateness_s: lateness(plan, seen),
        }
    }
}

/// Steps of signed-in people that began between two seconds of the run.
pub(super) fn steps(seen: &Seen, from: f64, to: f64) -> impl Iterator<Item = &Step> {
    let all = seen.people.iter().flat_map(|person| &person.steps);
    all.filter(move |Step(_, began, _, outcome)| {
        outcome != "skipped" && (from..to).contains(&seen.since_start(*began))
    })
}

/// Their latency. Failed ones count as they took: how many failed has a figure of its own.
pub(super) fn latency<'a>(steps: impl Iterator<Item = &'a Step>) -> Latency {
    let (mut times, mut ok) = (Vec::new(), 0);
    for Step(_, _, took, outcome) in steps {
        times.push(*took);
        ok += usize::from(is_done(outcome));
    }
    let count = times.len();
    let success = if count == 0 { 0.0 } else { real(ok) / real(count) };
    Latency { count, p99_ms: percentile(&mut times, 0.99), success }
}

/// The value that this share of all is at most; 0 of none.
pub(super) fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index, 0 at the least")]
    let rank = (real(values.len()) * share).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

fn is_late(person: &Person) -> bool {
    let Some(told) = person.first_estimate else { return false };
    let allowed = told.turn_in_s * LATER + ROUNDING_S;
    person.let_in.is_none_or(|let_in| seconds(let_in.saturating_sub(told.at)) > allowed)
}

/// Sign-ins per second over those seconds of the plateaus in which somebody waited from beginning to end.
fn goodput(plan: &Plan, seen: &Seen) -> (f64, usize) {
    let mut waiting = vec![0_i64; 4_000];
    let mut served = vec![0_usize; 4_000];
    for person in &seen.people {
        let until = person.let_in.or(person.signed_in);
        let from = seen.since_start(person.arrived).ceil();
        let to = until.map_or(from + plan.patience_s, |at| seen.since_start(at)).floor();
        if to > from {
            bump(&mut waiting, from, 1);
            bump(&mut waiting, to, -1);
        }
        if let Some(at) = person.signed_in
            && let Some(cell) = served.get_mut(index(seen.since_start(at)))
        {
            *cell += 1;
        }
    }
    let (mut sum, mut crowded, mut now) = (0, 0, 0);
    for (second, (change, served)) in waiting.iter().zip(&served).enumerate() {
        now += change;
        if now > 0 && plan.is_plateau(real(second)) {
            crowded += 1;
            sum += served;
        }
    }
    (if crowded == 0 { 0.0 } else { real(sum) / real(crowded) }, crowded)
}

fn bump(cells: &mut [i64], at: f64, by: i64) {
    if let Some(cell) = cells.get_mut(index(at)) {
        *cell += by;
    }
}

/// A second of the run as a place in a list.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(super) fn index(second: f64) -> usize {
    second as usize
}

/// The first second after the flood from which every window to the end is normal. Without a request nothing is.
fn normal_after(seen: &Seen, end: f64) -> Option<f64> {
    let last = seen.people.iter().flat_map(|person| &person.steps);
    let last = last.map(|step| seen.since_start(step.1)).fold(0.0, f64::max);
    let mut normal_from = None;
    let mut from = end;
    while from < last {
        let window = latency(steps(seen, from, from + WINDOW_S));
        // A window with few requests has no percentile: it neither is nor breaks normality.
        if window.count >= 20 {
            let is_normal = window.p99_ms <= NORMAL_P99_MS && window.success >= NORMAL_SUCCESS;
            normal_from = if is_normal { normal_from.or(Some(from - end)) } else { None };
        }
        from += WINDOW_S;
    }
    normal_from
}

/// How many seconds the arrivals were behind the plan at worst.
fn lateness(plan: &Plan, seen: &Seen) -> f64 {
    let mut planned = 0.0;
    let mut worst: f64 = 0.0;
    let mut arrivals = seen.people.iter().map(|person| seen.since_start(person.arrived));
    let mut tenth = 0.05;
    while tenth < plan.length_s {
        planned += plan.rate_at(tenth) / 10.0;
        tenth += 0.1;
        while planned >= 1.0 {
            planned -= 1.0;
            let Some(arrived) = arrivals.next() else { return worst };
            worst = worst.max(arrived - tenth);
        }
    }
    worst
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these figures are exact")]
mod tests {
    use super::super::plan::tests::plan;
    use super::*;
    use crate::proofs::seen::Estimate;
    use crate::proofs::seen::tests::pupil;

    fn seen(people: Vec<Person>) -> Seen {
        Seen { start: 1_000_000, people }
    }

    #[test]
    fn whoever_never_got_in_is_not_served_however_fast_the_refusal_was() {
        let gone = Person { let_in: None, signed_in: None, attempts: 9, ..pupil(1.0, 1.0) };
        let figures = Figures::of(&plan(), &seen(vec![pupil(1.0, 2.0), gone]));
        assert_eq!((figures.planned, figures.arrived, figures.served), (200, 2, 1));
        assert_eq!((figures.attempts, figures.attempts_p99), (5.0, 9.0));
    }

    #[test]
    fn goodput_counts_only_plateau_seconds_in_which_somebody_waits() {
        // One waits from 11 to 15; two sign in in those seconds, one before, one on the plateau's empty rest.
        let people =
            vec![pupil(10.9, 15.0), pupil(12.0, 12.2), pupil(13.0, 13.1), pupil(5.0, 5.1), pupil(17.0, 17.2)];
        let (rate, seconds) = goodput(&plan(), &seen(people));
        assert_eq!((rate, seconds), (0.5, 4));
        assert_eq!(goodput(&plan(), &seen(vec![])), (0.0, 0));
    }

    #[test]
    fn a_promise_is_kept_to_the_first_estimate_and_not_to_later_ones() {
        let told = |turn_in_s| Some(Estimate { at: 1_001_000, turn_in_s });
        let kept = Person { first_estimate: told(10.0), ..pupil(1.0, 15.9) };
        assert!(!is_late(&kept));
        assert!(is_late(&Person { first_estimate: told(10.0), ..pupil(1.0, 16.1) }));
        assert!(is_late(&Person { let_in: None, ..kept.clone() }));
        assert!(!is_late(&Person { first_estimate: None, ..kept }));
    }

    #[test]
    fn percentiles_are_of_what_was_measured() {
        assert_eq!(percentile(&mut [], 0.99), 0.0);
        let mut hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&mut hundred, 0.99), 99.0);
        assert_eq!(percentile(&mut hundred, 0.5), 50.0);
    }

    #[test]
    fn a_generator_that_falls_behind_is_seen() {
        let on_time: Vec<Person> = (0..100).map(|n| pupil(10.0 + f64::from(n) / 10.0, 30.0)).collect();
        let mut plan = plan();
        plan.phases.remove(0);
        let early = Seen { start: 1_010_000, people: on_time.clone() };
        assert!(lateness(&plan, &early) < 0.2, "{}", lateness(&plan, &early));
        let late = Seen { start: 1_007_000, people: on_time };
        assert!((lateness(&plan, &late) - 3.0).abs() < 0.3, "{}", lateness(&plan, &late));
    }

    #[test]
    fn normal_is_when_no_later_window_is_bad() {
        let step = |at: f64, took| Step("home".to_owned(), pupil(at, at).arrived, took, "ok".to_owned());
        let window = |at: f64, took: f64| (0..30).map(move |_| step(at, took));
        let mut person = pupil(0.0, 0.0);
        person.steps = window(31.0, 900.0).chain(window(36.0, 90.0)).chain(window(41.0, 50.0)).collect();
        assert_eq!(normal_after(&seen(vec![person.clone()]), 30.0), Some(5.0));
        person.steps.extend(window(46.0, 500.0));
        assert_eq!(normal_after(&seen(vec![person]), 30.0), None);
        assert_eq!(normal_after(&seen(vec![]), 30.0), None);
    }
}
