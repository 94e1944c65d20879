//! Settles why requests are refused or slow, and whose they are: counted once, at the edge, so that a morning can be told apart afterwards.
//!
//! Why: a surge, an attack, a slow disk and a lost host all look like 503 in a log of statuses. The cause is named where the
//! refusal is made ([`crate::http::Problem::because`]) and counted where the answer leaves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use serde_json::{Value, json};

use crate::telemetry::Metrics;
use crate::{pg, redis, siblings};

/// Why a request was refused, or why its answer was slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A worker was behind with its work and gave up the least important.
    Shed,
    /// As many requests were worked on as can be answered in time.
    Admission,
    /// The time of whoever asked was over.
    Deadline,
    /// The account or the address asked more often than its limit.
    Rate,
    /// The client did not send its body in time.
    ClientSlow,
    /// The breaker of this dependency is open.
    Breaker(&'static str),
    /// Places of this class of work were all taken: a pool, a queue.
    Bulkhead(&'static str),
    /// This dependency answered too late.
    DependencySlow(&'static str),
    /// This dependency did not answer, or said that it cannot.
    DependencyDown(&'static str),
    /// Nothing else here explains it: the service's own work, or its host.
    Unexplained,
}

impl Cause {
    /// The name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shed => "shed",
            Self::Admission => "admission",
            Self::Deadline => "deadline",
            Self::Rate => "rate",
            Self::ClientSlow => "client_slow",
            Self::Breaker(_) => "breaker",
            Self::Bulkhead(_) => "bulkhead",
            Self::DependencySlow(_) => "dependency_slow",
            Self::DependencyDown(_) => "dependency_down",
            Self::Unexplained => "unexplained",
        }
    }

    /// Which one of several: a dependency, a queue. Empty where there is only one.
    pub fn part(self) -> &'static str {
        match self {
            Self::Breaker(part)
            | Self::Bulkhead(part)
            | Self::DependencySlow(part)
            | Self::DependencyDown(part) => part,
            Self::Shed
            | Self::Admission
            | Self::Deadline
            | Self::Rate
            | Self::ClientSlow
            | Self::Unexplained => "",
        }
    }
}

/// The service's database, as causes name it.
pub const DATABASE: &str = "postgres";
/// The service's cluster, as causes name it.
const CLUSTER: &str = "redis";

impl From<&pg::Error> for Cause {
    fn from(error: &pg::Error) -> Self {
        match error {
            pg::Error::Deadline => Self::Deadline,
            pg::Error::Open(_) => Self::Breaker(DATABASE),
            pg::Error::Busy => Self::Bulkhead(DATABASE),
            pg::Error::Timeout | pg::Error::Conflict => Self::DependencySlow(DATABASE),
            pg::Error::Unreachable(_) => Self::DependencyDown(DATABASE),
            pg::Error::Constraint(_) | pg::Error::NoRow | pg::Error::Unexpected(_) => Self::Unexplained,
        }
    }
}

impl From<&redis::Error> for Cause {
    fn from(error: &redis::Error) -> Self {
        match error {
            redis::Error::Deadline => Self::Deadline,
            redis::Error::Open(_) => Self::Breaker(CLUSTER),
            redis::Error::Busy => Self::Bulkhead(CLUSTER),
            redis::Error::Timeout => Self::DependencySlow(CLUSTER),
            redis::Error::Unreachable(_) => Self::DependencyDown(CLUSTER),
            redis::Error::Unexpected(_) | redis::Error::Invalid(_) => Self::Unexplained,
        }
    }
}

impl From<&siblings::Error> for Cause {
    fn from(error: &siblings::Error) -> Self {
        match error {
            siblings::Error::Deadline => Self::Deadline,
            siblings::Error::Crowded(sibling) => Self::Bulkhead(sibling),
            siblings::Error::Open(sibling, _) => Self::Breaker(sibling),
            siblings::Error::NotTaken(sibling, _)
            | siblings::Error::Unreachable(sibling, _)
            | siblings::Error::Refused(sibling, _)
            | siblings::Error::Malformed(sibling, _) => Self::DependencyDown(sibling),
        }
    }
}

/// Who asked, as far as a count may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallerClass {
    /// Somebody with a valid access token.
    Session,
    /// Anybody else.
    Unknown,
}

impl CallerClass {
    /// The name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
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

    #[test]
    fn each_refusal_is_counted_under_its_cause_and_caller() {
        let metrics = Metrics::detached().unwrap();
        let attribution = Attribution::new(&metrics);
        attribution.refused(Cause::from(&pg::Error::Busy), CallerClass::Session);
        attribution.refused(Cause::from(&pg::Error::Busy), CallerClass::Session);
        attribution.slow(Cause::from(&redis::Error::Timeout), CallerClass::Unknown);
        let expected = json!([
            { "cause": "bulkhead", "part": "postgres", "caller": "session", "refusals": 2, "slow_answers": 0 },
            { "cause": "dependency_slow", "part": "redis", "caller": "unknown", "refusals": 0, "slow_answers": 1 },
        ]);
        assert_eq!(attribution.status(), expected);
        let text = metrics.render().unwrap();
        assert!(text.contains("ent_refusals_total{caller=\"session\",cause=\"bulkhead\""), "{text}");
    }
}
