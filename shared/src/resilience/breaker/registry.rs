//! Settles that each failure domain has one breaker, that their number is bounded, and how they are watched.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use serde_json::{Map, Value, json};

use super::{Breaker, Policy, State, Transition};
use crate::ablation::{Ablation, Part};
use crate::clock::SharedClock;

/// Domains of one process: siblings, databases, Redis nodes. More would be a fault in the naming of domains.
const MOST_DOMAINS: usize = 256;

/// There are too many failure domains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {MOST_DOMAINS} failure domains are in use")]
pub struct TooManyDomains;

/// The breakers of a process by failure domain (`sibling:courses`, `redis:10.0.0.1:6379`, `postgres:auth`). Cloning shares them.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    clock: SharedClock,
    ablation: Ablation,
    breakers: Mutex<BTreeMap<String, Arc<Breaker>>>,
}

impl Registry {
    /// Without any domain yet. Breakers never open where `ablation` removes them.
    pub fn new(clock: SharedClock, ablation: Ablation) -> Self {
        Self(Arc::new(Inner { clock, ablation, breakers: Mutex::default() }))
    }

    /// The clock of all that is made here.
    pub fn clock(&self) -> &SharedClock {
        &self.0.clock
    }

    /// What is switched off.
    pub fn ablation(&self) -> Ablation {
        self.0.ablation
    }

    /// The breaker of a domain; `policy` holds for the first who asks. Ask once and keep it: this takes a lock.
    /// Domains that nobody holds any more (nodes that left a cluster) make room for new ones.
    pub fn breaker(&self, domain: &str, policy: &Policy) -> Result<Arc<Breaker>, TooManyDomains> {
        let mut breakers = self.breakers();
        if let Some(breaker) = breakers.get(domain) {
            return Ok(breaker.clone());
        }
        if breakers.len() >= MOST_DOMAINS {
            breakers.retain(|_, breaker| Arc::strong_count(breaker) > 1);
        }
        if breakers.len() >= MOST_DOMAINS {
            return Err(TooManyDomains);
        }
        let name = domain.to_owned();
        let breaker = Breaker::new(policy.clone(), self.0.clock.clone())
            .ablated(self.0.ablation.removes(Part::Breakers))
            .with_listener(Box::new(move |transition| log(&name, transition)));
        let breaker = Arc::new(breaker);
        breakers.insert(domain.to_owned(), breaker.clone());
        Ok(breaker)
    }

    /// For `/statusz`: by domain `{state, calls, failed, slow, refused, retry_after_ms}`; results of the window, refusals since the start.
    pub fn report(&self) -> Value {
        let breakers = self.breakers();
        let reports = breakers.iter().map(|(domain, breaker)| (domain.clone(), report(breaker)));
        Value::Object(reports.collect::<Map<String, Value>>())
    }

    /// Adds the figures `ent.breaker.state` (0 closed, 1 half-open, 2 open) and `ent.breaker.refused`, by domain.
    pub fn observe(&self, meter: &Meter) {
        let states = self.clone();
        let _gauge = meter
            .u64_observable_gauge("ent.breaker.state")
            .with_description("State of a circuit breaker: 0 closed, 1 half-open, 2 open.")
            .with_callback(move |observer| {
                states.each(|domain, breaker| observer.observe(code(breaker.state()), &[domain]));
            })
            .build();
        let refusals = self.clone();
        let _counter = meter
            .u64_observable_counter("ent.breaker.refused")
            .with_description("Calls that an open circuit breaker refused.")
            .with_callback(move |observer| {
                refusals.each(|domain, breaker| observer.observe(breaker.refused(), &[domain]));
            })
            .build();
    }

    fn each(&self, look: impl Fn(KeyValue, &Breaker)) {
        for (domain, breaker) in self.breakers().iter() {
            look(KeyValue::new("ent.domain", domain.clone()), breaker);
        }
    }

    fn breakers(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Breaker>>> {
        self.0.breakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn report(breaker: &Breaker) -> Value {
    let counts = breaker.counts();
    json!({
        "state": breaker.state().name(),
        "calls": counts.calls(),
        "failed": counts.failed,
        "slow": counts.slow,
        "refused": breaker.refused(),
        "retry_after_ms": u64::try_from(breaker.retry_after().as_millis()).unwrap_or(u64::MAX),
    })
}

fn code(state: State) -> u64 {
    match state {
        State::Closed => 0,
        State::HalfOpen => 1,
        State::Open => 2,
    }
}

fn log(domain: &str, transition: Transition) {
    let (from, to) = (transition.from.name(), transition.to.name());
    let (calls, failed, slow) = (transition.counts.calls(), transition.counts.failed, transition.counts.slow);
    match transition.to {
        State::Open => {
            let open_ms = transition.open_for.as_millis();
            tracing::warn!(domain, from, to, calls, failed, slow, open_ms, "a circuit breaker opened");
        }
        State::HalfOpen | State::Closed => tracing::info!(domain, from, to, "a circuit breaker changed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Metrics;
    use crate::testing::ManualClock;

    fn registry(ablation: Ablation) -> Registry {
        Registry::new(Arc::new(ManualClock::default()), ablation)
    }

    fn fail(breaker: &Breaker, calls: u32) {
        (0..calls).filter_map(|_| breaker.acquire().ok()).for_each(super::super::Permit::failure);
    }

    #[test]
    fn a_domain_never_opens_another() {
        let registry = registry(Ablation::default());
        let [courses, auth] = ["sibling:courses", "sibling:auth"]
            .map(|domain| registry.breaker(domain, &Policy::default()).unwrap());
        fail(&registry.breaker("sibling:courses", &Policy::default()).unwrap(), 20);
        assert_eq!((courses.state(), auth.state()), (State::Open, State::Closed));
        let report = registry.report();
        assert_eq!(report["sibling:courses"]["state"], "open");
        assert_eq!(report["sibling:courses"]["failed"], 20);
        assert_eq!(report["sibling:auth"]["state"], "closed");
    }

    #[test]
    fn the_number_of_domains_is_bounded_by_those_in_use() {
        let registry = registry(Ablation::default());
        let domain = |number: usize| registry.breaker(&format!("redis:{number}"), &Policy::default());
        let held: Vec<_> = (0..MOST_DOMAINS).map(|number| domain(number).unwrap()).collect();
        assert_eq!(domain(MOST_DOMAINS).err(), Some(TooManyDomains));
        drop(held);
        assert!(domain(MOST_DOMAINS).is_ok());
    }

    #[test]
    fn ablated_breakers_never_open() {
        let registry = registry(Ablation::default().without(Part::Breakers));
        let breaker = registry.breaker("sibling:auth", &Policy::default()).unwrap();
        fail(&breaker, 100);
        assert_eq!((breaker.state(), breaker.counts().failed), (State::Closed, 100));
    }

    #[test]
    fn states_and_refusals_are_figures_by_domain() {
        let (registry, metrics) = (registry(Ablation::default()), Metrics::detached().unwrap());
        registry.observe(metrics.meter());
        let breaker = registry.breaker("sibling:auth", &Policy::default()).unwrap();
        fail(&breaker, 25);
        let text = metrics.render().unwrap();
        let line =
            |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        assert!(
            line("ent_breaker_state").contains("sibling:auth") && line("ent_breaker_state").ends_with(" 2"),
            "{text}"
        );
        assert!(line("ent_breaker_refused").ends_with(" 5"), "{text}");
    }
}
