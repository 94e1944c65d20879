//! Settles why requests are refused or slow, and whose they are: counted once, at the edge, so that a morning can be told apart afterwards.
//!
//! Why: a surge, an attack, a slow disk and a lost host all look like 503 in a log of statuses. The cause is named where the
//! refusal is made ([`crate::http::Problem::because`]) and counted where the answer leaves. A slow answer is counted under what
//! its work waited for longest ([`Waits`]).

mod cause;
mod waits;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use serde_json::{Value, json};

use crate::telemetry::Metrics;
pub use cause::{CLUSTER, Cause, DATABASE};
pub use waits::{Waiting, Waits};

/// Who asked, as far as a count may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallerClass {
    /// Somebody with a valid access token, or the handle of a session.
    Session,
    /// A browser that has had a session: its token was signed here and is over.
    KnownDevice,
    /// Anybody else.
    Unknown,
}

impl CallerClass {
    /// The name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::KnownDevice => "known_device",
            Self::Unknown => "unknown",
        }
    }
}

/// The counts of one process. Cloning shares them.
#[derive(Clone)]
pub struct Attribution(Arc<Counts>);

struct Counts {
    refusals: Counter<u64>,
    slow_answers: Counter<u64>,
    totals: Mutex<BTreeMap<(Cause, CallerClass), Total>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Total {
    refusals: u64,
    slow_answers: u64,
}

impl Attribution {
    /// Counts with instruments of `metrics`.
    pub fn new(metrics: &Metrics) -> Self {
        let counter =
            |name, description| metrics.meter().u64_counter(name).with_description(description).build();
        Self(Arc::new(Counts {
            refusals: counter(
                "ent.refusals",
                "Requests refused to protect the service, by cause and caller.",
            ),
            slow_answers: counter(
                "ent.slow_answers",
                "Answers slower than http.slow_ms, by cause and caller.",
            ),
            totals: Mutex::default(),
        }))
    }

    /// A request was refused.
    pub fn refused(&self, cause: Cause, caller: CallerClass) {
        self.0.refusals.add(1, &labels(cause, caller));
        self.total(cause, caller, |total| total.refusals += 1);
    }

    /// An answer took long.
    pub fn slow(&self, cause: Cause, caller: CallerClass) {
        self.0.slow_answers.add(1, &labels(cause, caller));
        self.total(cause, caller, |total| total.slow_answers += 1);
    }

    /// Totals since the start, as `/statusz` shows them.
    pub fn status(&self) -> Value {
        let Ok(totals) = self.0.totals.lock() else { return Value::Null };
        let row = |(&(cause, caller), total): (&(Cause, CallerClass), &Total)| {
            json!({
                "cause": cause.name(), "part": cause.part(), "caller": caller.name(),
                "refusals": total.refusals, "slow_answers": total.slow_answers,
            })
        };
        totals.iter().map(row).collect()
    }

    fn total(&self, cause: Cause, caller: CallerClass, count: impl Fn(&mut Total)) {
        if let Ok(mut totals) = self.0.totals.lock() {
            count(totals.entry((cause, caller)).or_default());
        }
    }
}

fn labels(cause: Cause, caller: CallerClass) -> [KeyValue; 3] {
    [
        KeyValue::new("cause", cause.name()),
        KeyValue::new("part", cause.part()),
        KeyValue::new("caller", caller.name()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{pg, redis};

    #[test]
    fn each_refusal_is_counted_under_its_cause_and_caller() {
        let metrics = Metrics::detached().unwrap();
        let attribution = Attribution::new(&metrics);
        attribution.refused(Cause::from(&pg::Error::Busy), CallerClass::Session);
        attribution.refused(Cause::from(&pg::Error::Busy), CallerClass::Session);
        attribution.slow(Cause::from(&redis::Error::Timeout("redis:a:1")), CallerClass::KnownDevice);
        let expected = json!([
            { "cause": "bulkhead", "part": "postgres", "caller": "session", "refusals": 2, "slow_answers": 0 },
            { "cause": "dependency_slow", "part": "redis:a:1", "caller": "known_device", "refusals": 0, "slow_answers": 1 },
        ]);
        assert_eq!(attribution.status(), expected);
        let text = metrics.render().unwrap();
        assert!(text.contains("ent_refusals_total{caller=\"session\",cause=\"bulkhead\""), "{text}");
    }
}
