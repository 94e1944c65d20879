//! Settles which faults lie on the time axis: those that the journal of faults has for the time of the run.

use std::path::Path;

use chrono::DateTime;
use serde::Deserialize;
use serde_json::Value;

use super::chart::Mark;
use crate::proofs::seen::Seen;

#[derive(Deserialize)]
struct Line {
    at: String,
    event: String,
    target: String,
    act: Value,
}

/// Faults made between the beginning of a run and `length_s` later, as marks. Without a journal there were none.
pub(super) fn during(journal: &Path, seen: &Seen, length_s: f64) -> Vec<Mark> {
    let text = std::fs::read_to_string(journal).unwrap_or_default();
    marks(&text, seen, length_s)
}

fn marks(journal: &str, seen: &Seen, length_s: f64) -> Vec<Mark> {
    let lines = journal.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let marks = lines.filter_map(|line| {
        let at = DateTime::parse_from_rfc3339(&line.at).ok()?;
        let at = u64::try_from(at.timestamp_millis()).ok()?;
        let from_s = seen.since_start(at);
        let act = line.act.as_str().map_or_else(|| line.act.to_string(), str::to_owned);
        let text = if line.event == "made" {
            format!("{} {act}", line.target)
        } else {
            format!("{} {}", line.target, line.event)
        };
        (at >= seen.start && from_s <= length_s).then_some(Mark { from_s, to_s: None, text, is_fault: true })
    });
    marks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_faults_of_the_time_of_the_run_are_shown() {
        let seen = Seen { start: 1_617_695_000_000, people: vec![] };
        let journal = concat!(
            "{\"at\":\"2021-04-06T07:43:19.000Z\",\"event\":\"made\",\"target\":\"redis-1\",\"act\":\"kill\"}\n",
            "{\"at\":\"2021-04-06T07:43:25.500Z\",\"event\":\"made\",\"target\":\"redis-2\",\"act\":\"stop\"}\n",
            "{\"at\":\"2021-04-06T07:44:00.000Z\",\"event\":\"cleared\",\"target\":\"redis-2\",\"act\":\"stop\"}\n",
        );
        let marks = marks(journal, &seen, 30.0);
        assert_eq!(marks.len(), 1);
        assert_eq!((marks[0].from_s, marks[0].text.as_str()), (5.5, "redis-2 stop"));
    }
}
