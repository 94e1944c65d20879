//! Settles what is known of one visit: what became of its requests, and what was acknowledged, as k6 wrote it down.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// One visit.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Visit {
    pub(super) login: String,
    /// Requests that have ended.
    pub(super) asked: usize,
    /// Those that were answered only when they were repeated.
    pub(super) repeated: Vec<Trouble>,
    /// Those that were not answered, repeated or not.
    pub(super) lost: Vec<Trouble>,
    pub(super) sent: Vec<Acknowledged>,
}

/// A request, and how its first try ended.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Trouble {
    /// Method and route.
    name: String,
    /// When it was sent first, and until its last answer: milliseconds.
    at: u64,
    took_ms: u64,
    first: Answered,
}

/// Status 0 is a connection that broke, or an answer that did not come in time.
#[derive(Clone, Debug, Deserialize)]
struct Answered {
    status: u16,
    code: String,
}

/// A message that was acknowledged.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Acknowledged {
    /// No other message has it.
    pub(super) subject: String,
    /// Whether it is where it should be; else it waits for somebody's look.
    pub(super) is_delivered: bool,
    /// Whom it is for by name, and the UAI of the school, where it is for one person.
    pub(super) reader: Option<String>,
    pub(super) school: Option<String>,
}

/// All that ended.
#[derive(Debug, Default)]
pub(super) struct Visits(pub(super) Vec<Visit>);

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Visit(Visit),
    Start {},
    Person {},
}

impl Visits {
    /// Reads a run that was ended at a time. What was under way then was broken off by that, and by nothing else.
    pub(super) fn read(path: &Path, stopped_at: u64) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self::parse(&text).until(stopped_at))
    }

    fn until(mut self, stopped_at: u64) -> Self {
        for visit in &mut self.0 {
            for troubles in [&mut visit.repeated, &mut visit.lost] {
                troubles.retain(|trouble| trouble.at + trouble.took_ms < stopped_at);
            }
        }
        self
    }

    fn parse(text: &str) -> Self {
        let visit = |line: &str| match serde_json::from_str(line) {
            Ok(Line::Visit(visit)) => Some(visit),
            // k6's own words, and the line of whoever was still there at the end.
            Ok(Line::Start {} | Line::Person {}) | Err(_) => None,
        };
        Self(text.lines().filter_map(visit).collect())
    }

    /// Requests that have ended.
    pub(super) fn asked(&self) -> usize {
        self.0.iter().map(|visit| visit.asked).sum()
    }

    /// Those that were answered only when they were repeated.
    pub(super) fn repeated(&self) -> usize {
        self.0.iter().map(|visit| visit.repeated.len()).sum()
    }

    /// Those that were not answered.
    pub(super) fn lost(&self) -> usize {
        self.0.iter().map(|visit| visit.lost.len()).sum()
    }

    /// How first tries ended that were no answers, and how often.
    pub(super) fn troubles(&self) -> BTreeMap<String, usize> {
        let mut troubles = BTreeMap::new();
        let mut count = |trouble: &Trouble, what: &str| {
            let Answered { status, code } = &trouble.first;
            *troubles.entry(format!("{} {status} {code}: {what}", trouble.name)).or_default() += 1;
        };
        for visit in &self.0 {
            visit.repeated.iter().for_each(|trouble| count(trouble, "answered when repeated"));
            visit.lost.iter().for_each(|trouble| count(trouble, "lost"));
        }
        troubles
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A visit as k6 writes it, one whose sign-in was repeated, and one that was still there at the end.
    pub(crate) const LINES: &str = concat!(
        "{\"kind\":\"start\",\"at\":5000}\n",
        "{\"kind\":\"person\",\"role\":\"pupil\"}\n",
        "{\"kind\":\"visit\",\"login\":\"a.b\",\"at\":6000,\"asked\":12,\"repeated\":[],\"lost\":[],\"sent\":[",
        "{\"subject\":\"Visite 1\",\"isDelivered\":true,\"school\":\"0960000D\",\"reader\":\"Awa Hoang\"},",
        "{\"subject\":\"Visite 2\",\"isDelivered\":false}]}\n",
        "{\"kind\":\"visit\",\"login\":\"c.d\",\"at\":6001,\"asked\":3,\"repeated\":[",
        "{\"name\":\"POST /auth/v1/sessions\",\"at\":1,\"tookMs\":2,\"first\":{\"status\":502,\"code\":\"bad_gateway\"}}],",
        "\"lost\":[{\"name\":\"GET /auth/v1/me\",\"at\":1,\"tookMs\":2,\"first\":{\"status\":0,\"code\":\"EOF\"}}],\"sent\":[]}\n",
        "{\"kind\":\"visit\",\"login\":\"e.f",
    );

    pub(crate) fn visits() -> Visits {
        Visits::parse(LINES)
    }

    #[test]
    fn what_was_under_way_at_the_end_is_not_lost() {
        assert_eq!(visits().until(4).lost(), 1);
        assert_eq!(visits().until(3).lost(), 0);
    }

    #[test]
    fn requests_of_all_visits_are_counted_and_their_troubles_named() {
        let visits = visits();
        assert_eq!((visits.asked(), visits.repeated(), visits.lost()), (15, 1, 1));
        let troubles: Vec<String> = visits.troubles().into_keys().collect();
        assert_eq!(
            troubles,
            ["GET /auth/v1/me 0 EOF: lost", "POST /auth/v1/sessions 502 bad_gateway: answered when repeated"]
        );
    }
}
