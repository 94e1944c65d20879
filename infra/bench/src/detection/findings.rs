//! Settles which figures are told of replayed days, and how good they have to be.

use super::attack::{Family, Start};
use super::burst::Burst;
use super::interval::{float, quantile, share};
use super::jobs::SCHOOLS;
use super::people::PUPILS;
use super::tally::{Borne, Reached};
use crate::finding::{Estimate, Finding, Unit};

/// Copies delivered before the first hold: median and 95th percentile.
const COPIES_BEFORE: (f64, f64) = (50.0, 500.0);
/// Schools that received one before the first hold, of 25: the same.
const SCHOOLS_BEFORE: (f64, f64) = (5.0, 10.0);
/// Share of honest broad sends that is held for longer than a minute.
const LATE: f64 = 0.005;
/// Minutes that reviewers of 1,000 pupils have in a day.
const REVIEW_MINUTES: f64 = 30.0;
/// For one held message: reading it, asking somebody now and then, deciding. Assumed.
const MINUTES_EACH: f64 = 1.0;

/// By family and start.
pub fn of_campaigns(all: &[(Family, Start, Vec<Reached>)]) -> Vec<Finding> {
    all.iter().flat_map(|(family, start, reached)| of_campaign(*family, *start, reached)).collect()
}

fn of_campaign(family: Family, start: Start, reached: &[Reached]) -> Vec<Finding> {
    let case = format!("{}, {}", family.name(), start.name());
    let of = |figure: fn(&Reached) -> f64, at: f64| quantile(reached.iter().map(figure).collect(), at);
    // One message to one person is no volume, and where everybody is new nobody stands out: told, and not promised.
    let is_gated = family != Family::SingleMessage && start != Start::MorningBack;
    let told = |name, unit, estimate: Estimate, aim: Option<f64>| Finding {
        benchmark: "detection",
        case: case.clone(),
        figure: name,
        unit,
        estimate,
        aim: aim.filter(|_| is_gated),
    };
    let held: Vec<(f64, f64)> = reached.iter().map(|reached| reached.held).collect();
    let found: Vec<(f64, f64)> = held.iter().map(|(held, _)| (held.min(1.0), 1.0)).collect();
    vec![
        told("campaigns of which something is held", Unit::Percent, share(&found), None),
        told("sends held", Unit::Percent, share(&held), None),
        told(
            "copies before the first hold, median",
            Unit::Count,
            of(|one| one.copies_before, 0.5),
            Some(COPIES_BEFORE.0),
        ),
        told(
            "copies before the first hold, p95",
            Unit::Count,
            of(|one| one.copies_before, 0.95),
            Some(COPIES_BEFORE.1),
        ),
        told(
            "schools before the first hold, median",
            Unit::Count,
            of(|one| one.schools_before, 0.5),
            Some(SCHOOLS_BEFORE.0),
        ),
        told(
            "schools before the first hold, p95",
            Unit::Count,
            of(|one| one.schools_before, 0.95),
            Some(SCHOOLS_BEFORE.1),
        ),
        told("copies in the end, median", Unit::Count, of(|one| one.copies, 0.5), None),
        told("copies in the end, p95", Unit::Count, of(|one| one.copies, 0.95), None),
        told("schools in the end, median", Unit::Count, of(|one| one.schools, 0.5), None),
    ]
}

/// By burst.
pub fn of_bursts(all: &[(Burst, Vec<Borne>)]) -> Vec<Finding> {
    all.iter().flat_map(|(burst, borne)| of_burst(*burst, borne)).collect()
}

fn of_burst(burst: Burst, borne: &[Borne]) -> Vec<Finding> {
    let by_seed = |such: fn(&Borne) -> f64, all: fn(&Borne) -> f64| {
        share(&borne.iter().map(|one| (such(one), all(one))).collect::<Vec<(f64, f64)>>())
    };
    let a_day = |count: fn(&Borne) -> f64| {
        let schools = f64::from(SCHOOLS);
        quantile(borne.iter().map(|one| count(one) / schools * 1_000.0 / float(PUPILS)).collect(), 0.5)
    };
    let told = |name, unit, estimate, aim| Finding {
        benchmark: "detection",
        case: burst.name().to_owned(),
        figure: name,
        unit,
        estimate,
        aim,
    };
    vec![
        told(
            "broad sends held over 60 s",
            Unit::Percent,
            by_seed(|one| one.late, |one| one.broad),
            Some(LATE),
        ),
        told(
            "broad sends not delivered within an hour",
            Unit::Percent,
            by_seed(|one| one.refused, |one| one.broad),
            None,
        ),
        told(
            "broad sends whose sender types a code",
            Unit::Percent,
            by_seed(|one| one.codes, |one| one.broad),
            None,
        ),
        told("all sends held over 60 s", Unit::Percent, by_seed(|one| one.sends_late, |one| one.sends), None),
        told("sends a day per 1,000 pupils", Unit::Count, a_day(|one| one.sends), None),
        told(
            "reviewers' minutes a day per 1,000 pupils",
            Unit::Count,
            a_day(|one| one.reviewed * MINUTES_EACH),
            Some(REVIEW_MINUTES),
        ),
    ]
}

/// By occasion: how alike ordinary messages are in this simulation, which decides what similar texts cost honest people.
pub fn of_texts(likeness: &[(&'static str, f64)]) -> Vec<Finding> {
    let told = |(occasion, share): &(&'static str, f64)| Finding {
        benchmark: "detection",
        case: "pairs of ordinary messages that are similar".to_owned(),
        figure: occasion,
        unit: Unit::Percent,
        estimate: Estimate { value: *share, interval: None },
        aim: None,
    };
    likeness.iter().map(told).collect()
}
