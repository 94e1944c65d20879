//! Settles what is read from the answers around a loss: what there was before, what healthy shards kept, when the lost one was back.

use std::fmt;
use std::time::{Duration, Instant};

/// What the load prints at once.
const TICK: Duration = Duration::from_millis(100);
/// What a tick answers at least, each shard, when the load is what it should be: 95 % of the 50 that are offered.
const STEADY: u32 = 47;
/// How long a steady load is looked at before the loss.
const BEFORE: usize = 30;
/// A shard is back when five ticks together have 90 % of what there was before.
const BACK: usize = 5;
const BACK_PART: f64 = 0.9;

/// Answers of a tenth of a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tick {
    /// When it ended.
    pub(super) at: Instant,
    /// By shard.
    pub(super) answers: [u32; 3],
}

/// What one loss did.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measured {
    /// Answers a second before, by shard.
    pub(super) before: [f64; 3],
    /// The part of them, in per cent, that each healthy shard kept until the lost one was back.
    pub(super) kept: Vec<f64>,
    /// How long the lost shard was away; none: longer than was waited.
    pub(super) away: Option<Duration>,
}

/// Whether the load was what it should be for three seconds since `since`.
pub(super) fn is_steady(ticks: &[Tick], since: Instant) -> bool {
    let last: Vec<&Tick> = ticks.iter().rev().take(BEFORE).collect();
    let sum = |shard: usize| last.iter().filter_map(|tick| tick.answers.get(shard)).sum::<u32>();
    let wanted = STEADY * u32::try_from(BEFORE).unwrap_or(u32::MAX);
    last.len() == BEFORE
        && last.iter().all(|tick| tick.at > since)
        && (0..3).all(|shard| sum(shard) >= wanted)
}

/// Whether the lost shard is back.
pub(super) fn is_back(ticks: &[Tick], made: Instant, shard: usize) -> bool {
    measure(ticks, made, shard).is_some_and(|measured| measured.away.is_some())
}

/// `None` while the shard has lost nothing.
pub(super) fn measure(ticks: &[Tick], made: Instant, shard: usize) -> Option<Measured> {
    let (before, after): (Vec<&Tick>, Vec<&Tick>) = ticks.iter().partition(|tick| tick.at <= made);
    let before = rates(before.get(before.len().saturating_sub(BEFORE)..)?);
    let usual = before.get(shard).copied()?;
    let answers = |tick: &&Tick| tick.answers.get(shard).copied().map_or(0.0, f64::from);
    let lost = after.iter().position(|tick| answers(tick) < usual / 2.0)?;
    let is_back =
        |window: &[&Tick]| window.iter().map(answers).sum::<f64>() >= BACK_PART * usual * count(window);
    let back = after.windows(BACK).skip(lost).position(is_back).map(|index| index + lost);
    let until = after.get(..back.unwrap_or(after.len()))?;
    let during = rates(until);
    let healthy = (0..3).filter(|other| *other != shard);
    let kept = healthy.filter_map(|other| Some(100.0 * during.get(other)? / before.get(other)?)).collect();
    // The first good tick began a tenth of a second before it ended.
    let away = back
        .and_then(|index| Some(after.get(index)?.at.saturating_duration_since(made).saturating_sub(TICK)));
    Some(Measured { before: before.map(|rate| rate / TICK.as_secs_f64()), kept, away })
}

/// Answers in a tick, on average, by shard.
fn rates(ticks: &[&Tick]) -> [f64; 3] {
    let sum = |shard: usize| ticks.iter().filter_map(|tick| tick.answers.get(shard)).sum::<u32>();
    [0, 1, 2].map(|shard| f64::from(sum(shard)) / count(ticks).max(1.0))
}

fn count(ticks: &[&Tick]) -> f64 {
    u32::try_from(ticks.len()).map_or(f64::MAX, f64::from)
}

impl fmt::Display for Measured {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.away {
            Some(away) => write!(formatter, "back after {:.1} s", away.as_secs_f64())?,
            None => formatter.write_str("not back")?,
        }
        let least = self.kept.iter().copied().fold(f64::MAX, f64::min);
        write!(formatter, ", the others kept {least:.1} %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the fault is made, three seconds after the first tick began.
    const MADE: Duration = Duration::from_millis(2_950);

    /// Thirty good ticks, then these.
    fn ticks(began: Instant, after: &[[u32; 3]]) -> Vec<Tick> {
        let all = [[50; 3]; 30].into_iter().chain(after.iter().copied());
        (0..).zip(all).map(|(number, answers)| Tick { at: began + TICK * number, answers }).collect()
    }

    fn rounded(numbers: impl IntoIterator<Item = f64>) -> Vec<String> {
        numbers.into_iter().map(|number| format!("{number:.0}")).collect()
    }

    #[test]
    fn what_was_kept_and_when_the_shard_was_back() {
        let began = crate::clock::now();
        let lost = [[40, 0, 50]; 20];
        let with_a_blip = [[50, 30, 50], [50, 0, 50]];
        let back = [[50; 3]; 5];
        let ticks = ticks(began, &[&lost[..], &with_a_blip, &back].concat());
        let measured = measure(&ticks, began + MADE, 1).unwrap();
        assert_eq!(measured.away, Some(Duration::from_millis(2_150)));
        assert_eq!(rounded(measured.kept), ["82", "100"]);
        assert_eq!(rounded(measured.before), ["500", "500", "500"]);
    }

    #[test]
    fn a_shard_that_stays_away_is_never_back_and_the_others_count_to_the_end() {
        let began = crate::clock::now();
        let measured = measure(&ticks(began, &[[50, 0, 25]; 50]), began + MADE, 1).unwrap();
        assert_eq!((measured.away, rounded(measured.kept)), (None, vec!["100".to_owned(), "50".to_owned()]));
    }

    #[test]
    fn a_fault_that_took_nothing_away_measures_nothing() {
        let began = crate::clock::now();
        assert_eq!(measure(&ticks(began, &[[50; 3]; 20]), began + MADE, 1), None);
    }

    #[test]
    fn a_load_is_steady_after_three_whole_seconds() {
        let began = crate::clock::now();
        let before = began.checked_sub(TICK).unwrap();
        assert!(is_steady(&ticks(began, &[]), before));
        assert!(!is_steady(&ticks(began, &[]), began + TICK));
        assert!(!is_steady(&ticks(began, &[[50, 50, 0]; 3]), before));
    }
}
