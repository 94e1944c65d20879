//! Settles the aims of the proof and whether runs meet them.

use std::time::Duration;

use super::Run;
use crate::engines::NODE_TIMEOUT;

/// What healthy shards keep at least, in per cent.
pub(super) const KEPT: f64 = 95.0;
/// Node time-outs within which a lost shard is back: the median of each kind of fault, and the worst run.
pub(super) const MEDIAN: f64 = 2.5;
pub(super) const WORST: f64 = 3.0;

/// What came of all runs.
pub(super) struct Verdict {
    /// The least that a healthy shard kept in any run, in per cent.
    pub(super) kept: f64,
    /// Fault and median time away, in node time-outs; infinite where most runs were never back.
    pub(super) medians: Vec<(&'static str, f64)>,
    /// The longest time away.
    pub(super) worst: f64,
}

impl Verdict {
    /// The verdict on these runs.
    pub(super) fn of(runs: &[Run]) -> Self {
        let all = runs.iter().flat_map(|run| run.measured.kept.iter().copied());
        let mut faults: Vec<&str> = runs.iter().map(|run| run.fault).collect();
        faults.dedup();
        let medians = faults.into_iter().map(|fault| (fault, median(runs, fault))).collect();
        let worst = runs.iter().map(|run| in_timeouts(run.measured.away)).fold(0.0, f64::max);
        Self { kept: all.fold(f64::INFINITY, f64::min), medians, worst }
    }

    /// Whether all aims are met.
    pub(super) fn holds(&self) -> bool {
        let is_soon = self.medians.iter().all(|(_, median)| *median <= MEDIAN);
        self.kept >= KEPT && self.kept.is_finite() && is_soon && self.worst <= WORST
    }
}

/// A time away in node time-outs; infinite when the shard was not back.
pub(super) fn in_timeouts(away: Option<Duration>) -> f64 {
    away.map_or(f64::INFINITY, |away| away.as_secs_f64() / NODE_TIMEOUT.as_secs_f64())
}

fn median(runs: &[Run], fault: &str) -> f64 {
    let of = runs.iter().filter(|run| run.fault == fault);
    let mut away: Vec<f64> = of.map(|run| in_timeouts(run.measured.away)).collect();
    away.sort_by(f64::total_cmp);
    // Of an even number the later one: an aim is not met by rounding.
    away.get(away.len() / 2).copied().unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::super::measure::Measured;
    use super::*;

    fn run(fault: &'static str, seconds: Option<f64>, kept: f64) -> Run {
        let away = seconds.map(Duration::from_secs_f64);
        let measured = Measured { before: [500.0; 3], kept: vec![kept, 100.0], away };
        Run { fault, node: "redis-1".to_owned(), shard: 0, measured }
    }

    #[test]
    fn every_run_has_to_keep_the_healthy_and_most_have_to_be_back_soon() {
        let good = || vec![run("a", Some(4.0), 99.0), run("a", Some(5.9), 96.0), run("a", Some(4.9), 97.0)];
        let verdict = Verdict::of(&good());
        assert!(verdict.holds());
        assert_eq!(format!("{} {:?}", verdict.kept, verdict.medians), "96 [(\"a\", 2.45)]");
        for bad in [run("a", Some(4.0), 94.9), run("a", Some(6.1), 99.0), run("a", None, 99.0)] {
            assert!(!Verdict::of(&good().into_iter().chain([bad]).collect::<Vec<_>>()).holds());
        }
        let slow_kind = [run("b", Some(5.5), 99.0)];
        assert!(!Verdict::of(&good().into_iter().chain(slow_kind).collect::<Vec<_>>()).holds());
        assert!(!Verdict::of(&[]).holds());
    }
}
