//! Settles what is known of one person: what they saw, as k6 wrote it down, one line of JSON each.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// One person. Times are milliseconds since 1970.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Person {
    pub(super) role: String,
    /// Whether they came on a device that somebody of their role had signed in on.
    pub(super) is_known_device: bool,
    pub(super) arrived: u64,
    pub(super) attempts: u32,
    #[serde(default)]
    pub(super) polls: u32,
    pub(super) first_estimate: Option<Estimate>,
    /// When the answer came that was no refusal for now.
    pub(super) let_in: Option<u64>,
    pub(super) signed_in: Option<u64>,
    /// Why they are not signed in.
    pub(super) left: Option<String>,
    /// Of those who keep their device.
    pub(super) login: Option<String>,
    pub(super) device: Option<String>,
    pub(super) steps: Vec<Step>,
}

/// What somebody was told first.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Estimate {
    pub(super) at: u64,
    pub(super) turn_in_s: f64,
}

/// Name, when it began, milliseconds, outcome.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Step(pub(super) String, pub(super) u64, pub(super) f64, pub(super) String);

/// Everything that was written down in one run.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// When the first could come.
    pub(super) start: u64,
    pub(super) people: Vec<Person>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Start { at: u64 },
    Person(Person),
}

impl Person {
    /// The lane that the waiting room keeps for such a device.
    pub(super) fn lane(&self) -> &str {
        match (self.is_known_device, self.role.as_str()) {
            (true, "pupil") => "student",
            (true, "guardian") => "guardian",
            (true, _) => "staff",
            (false, _) => "unknown",
        }
    }
}

impl Seen {
    /// Reads a run.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text)
    }

    /// Lines that are no JSON are k6's own words; a person whose line is cut off was interrupted, and is not served.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut seen = Self::default();
        for line in text.lines() {
            match serde_json::from_str(line) {
                Ok(Line::Start { at }) => seen.start = at,
                Ok(Line::Person(person)) => seen.people.push(person),
                Err(_) => {}
            }
        }
        anyhow::ensure!(seen.start > 0, "the run has no beginning: k6 did not get as far as its set-up");
        seen.people.sort_by_key(|person| person.arrived);
        Ok(seen)
    }

    /// Without the steps that were under way when the run was ended: that broke them off, and nothing else did.
    pub(super) fn until(mut self, stopped_at: u64) -> Self {
        let has_ended = |step: &Step| seconds(step.1) + step.2 / 1_000.0 < seconds(stopped_at);
        for person in &mut self.people {
            person.steps.retain(has_ended);
        }
        self
    }

    /// What went wrong for people, and how often: steps by their outcome, and why people left.
    pub(super) fn failures(&self) -> BTreeMap<String, usize> {
        let steps = self.people.iter().flat_map(|person| &person.steps);
        let steps = steps.filter(|step| !is_done(&step.3) && step.3 != "skipped");
        let steps = steps.map(|step| format!("{} {}", step.0, step.3));
        let left =
            self.people.iter().filter_map(|person| person.left.as_ref()).map(|why| format!("left, {why}"));
        let mut failures = BTreeMap::new();
        for failure in steps.chain(left) {
            *failures.entry(failure).or_default() += 1;
        }
        failures
    }

    /// Seconds since the run began.
    pub(super) fn since_start(&self, at: u64) -> f64 {
        seconds(at.saturating_sub(self.start))
    }
}

/// Whether what was asked for took place: a message that waits for somebody's look has been accepted.
pub(super) fn is_done(outcome: &str) -> bool {
    matches!(outcome, "ok" | "held")
}

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "a run has far fewer milliseconds than 2^53")]
pub(super) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts of people are far below 2^53")]
pub(super) fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these figures are exact")]
pub(super) mod tests {
    use super::*;

    /// A pupil on a known device who came and was let in at these seconds.
    pub(crate) fn pupil(arrived_s: f64, let_in_s: f64) -> Person {
        let ms = |seconds: f64| {
            let since_start = std::time::Duration::from_secs_f64(seconds).as_millis();
            1_000_000 + u64::try_from(since_start).unwrap()
        };
        Person {
            role: "pupil".to_owned(),
            is_known_device: true,
            arrived: ms(arrived_s),
            attempts: 1,
            polls: 0,
            first_estimate: None,
            let_in: Some(ms(let_in_s)),
            signed_in: Some(ms(let_in_s)),
            left: None,
            login: None,
            device: None,
            steps: vec![],
        }
    }

    #[test]
    fn lines_of_people_are_read_and_others_passed_over() {
        let text = concat!(
            "{\"kind\":\"start\",\"at\":5000}\n",
            "something k6 says\n",
            "{\"kind\":\"person\",\"role\":\"teacher\",\"isKnownDevice\":true,\"arrived\":6000,\"attempts\":2,",
            "\"firstEstimate\":{\"at\":6010,\"turnInS\":4},\"letIn\":9000,\"signedIn\":9001,",
            "\"steps\":[[\"home\",9002,31,\"ok\"]]}\n",
            "{\"kind\":\"person\",\"role\":\"pupil\",\"isKno",
        );
        let seen = Seen::parse(text).unwrap();
        assert_eq!((seen.start, seen.people.len()), (5000, 1));
        assert_eq!(seen.people[0].lane(), "staff");
        assert_eq!(seen.since_start(6500), 1.5);
    }

    #[test]
    fn what_was_under_way_at_the_end_of_a_run_did_not_fail() {
        let steps = [(7_000, 500.0, "ok"), (7_900, 200.0, "error")];
        let steps =
            steps.map(|(at, ms, outcome)| Step("home".to_owned(), at, ms, outcome.to_owned())).to_vec();
        let seen = || Seen { start: 5_000, people: vec![Person { steps: steps.clone(), ..pupil(0.0, 0.0) }] };
        assert!(seen().until(8_000).failures().is_empty());
        assert_eq!(seen().until(9_000).failures().len(), 1);
    }

    #[test]
    fn a_run_that_never_began_proves_nothing() {
        assert!(Seen::parse("").is_err());
    }
}
