//! Settles which parts of the resilience kit are switched off, so that a proof can be seen to fail without them.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::config::{Invalid, Profile};

/// A part of the kit that a proof can take away. Its discriminant is its bit in [`Ablation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Part {
    /// Circuit breakers never open.
    Breakers = 1,
    /// Bulkheads let everybody in, and all classes of work share one pool of connections.
    Bulkheads = 1 << 1,
    /// Retries are limited by nothing but their count.
    RetryBudgets = 1 << 2,
    /// Deadlines are carried and not kept: each step has the whole time anew.
    Deadlines = 1 << 3,
    /// Caches remember nothing.
    Cache = 1 << 4,
    /// Overload sheds nothing.
    Shedding = 1 << 5,
    /// Concurrency limits do not adapt.
    AdaptiveLimits = 1 << 6,
    /// Clients may ask as often as they like.
    RateLimits = 1 << 7,
    /// A repeated request is carried out again.
    Idempotency = 1 << 8,
    /// Clients may keep their connections busy as long as they like.
    ClientLimits = 1 << 9,
    /// Who owns which slots of the Redis Cluster is read once, at the start.
    TopologyWatch = 1 << 10,
    /// Whoever comes is let in, as long as the queues take them.
    WaitingRoom = 1 << 11,
    /// Restrictions of sending are kept, and no send asks for them.
    Restriction = 1 << 12,
    /// What is withdrawn is kept as such, and shown all the same.
    Recall = 1 << 13,
    /// Sessions that were ended, and accounts that were contained, go on as if nothing had been.
    Revocation = 1 << 14,
    /// Nobody counts how much an account sends.
    Budgets = 1 << 15,
    /// Messages are looked at, and none waits for it.
    Hold = 1 << 16,
    /// An instance that is to end ends at once, and breaks off what it has accepted.
    Draining = 1 << 17,
}

impl Part {
    /// Every part, in the order in which reports name them.
    pub const ALL: [Self; 18] = [
        Self::Breakers,
        Self::Bulkheads,
        Self::RetryBudgets,
        Self::Deadlines,
        Self::Cache,
        Self::Shedding,
        Self::AdaptiveLimits,
        Self::RateLimits,
        Self::Idempotency,
        Self::ClientLimits,
        Self::TopologyWatch,
        Self::WaitingRoom,
        Self::Restriction,
        Self::Recall,
        Self::Revocation,
        Self::Budgets,
        Self::Hold,
        Self::Draining,
    ];

    /// As the configuration and `/statusz` call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Breakers => "breakers",
            Self::Bulkheads => "bulkheads",
            Self::RetryBudgets => "retry_budgets",
            Self::Deadlines => "deadlines",
            Self::Cache => "cache",
            Self::Shedding => "shedding",
            Self::AdaptiveLimits => "adaptive_limits",
            Self::RateLimits => "rate_limits",
            Self::Idempotency => "idempotency",
            Self::ClientLimits => "client_limits",
            Self::TopologyWatch => "topology_watch",
            Self::WaitingRoom => "waiting_room",
            Self::Restriction => "restriction",
            Self::Recall => "recall",
            Self::Revocation => "revocation",
            Self::Budgets => "budgets",
            Self::Hold => "hold",
            Self::Draining => "draining",
        }
    }
}

/// The parts that are switched off: `ablate = ["breakers"]` in the file, `ENT_ABLATE=breakers,cache` in the environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ablation(u32);

impl Ablation {
    /// With one more part switched off.
    #[must_use]
    pub fn without(self, part: Part) -> Self {
        Self(self.0 | part as u32)
    }

    /// Whether this part is switched off.
    pub fn removes(self, part: Part) -> bool {
        self.0 & part as u32 != 0
    }

    /// The names of what is switched off, for `/statusz` and reports.
    pub fn names(self) -> Vec<&'static str> {
        Part::ALL.into_iter().filter(|part| self.removes(*part)).map(Part::name).collect()
    }

    /// Refused where real people are.
    pub fn check(self, profile: Profile) -> Result<(), Invalid> {
        if self == Self::default() || profile.accepts_demo() {
            return Ok(());
        }
        let names = self.names().join(",");
        Err(Invalid::new(format!(
            "ablate: {names} may be switched off for proofs only, and profile is {profile}"
        )))
    }

    /// Commands are typed with hyphens, settings are written with underscores: both are the same name.
    fn with_name(self, name: &str) -> Result<Self, String> {
        let known = name.trim().replace('-', "_");
        let part = Part::ALL.into_iter().find(|part| part.name() == known);
        let names = || Part::ALL.map(Part::name).join(", ");
        part.map(|part| self.without(part))
            .ok_or_else(|| format!("no part is called {name:?}; there are {}", names()))
    }
}

impl<'de> Deserialize<'de> for Ablation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Names)
    }
}

/// Reads a list of names, or one string with commas between them, as environment variables have it.
struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Ablation;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("names of parts, as a list or with commas between them")
    }

    fn visit_str<E: serde::de::Error>(self, names: &str) -> Result<Ablation, E> {
        let mut parts = names.split(',').filter(|name| !name.trim().is_empty());
        parts.try_fold(Ablation::default(), Ablation::with_name).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Ablation, A::Error> {
        let mut ablation = Ablation::default();
        while let Some(name) = names.next_element::<String>()? {
            ablation = ablation.with_name(&name).map_err(serde::de::Error::custom)?;
        }
        Ok(ablation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: serde_json::Value) -> Result<Ablation, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_and_a_string_with_commas_say_the_same() {
        let expected = Ablation::default().without(Part::Breakers).without(Part::Cache);
        assert_eq!(read(json!(["cache", "breakers"])), Ok(expected));
        assert_eq!(read(json!("breakers, cache")), Ok(expected));
        assert_eq!(read(json!("waiting-room")), read(json!(["waiting_room"])));
        assert_eq!(expected.names(), ["breakers", "cache"]);
        assert_eq!(read(json!("")), Ok(Ablation::default()));
    }

    #[test]
    fn an_unknown_part_is_refused_with_the_known_ones() {
        let refusal = read(json!(["brakers"])).unwrap_err();
        assert!(refusal.contains("brakers") && refusal.contains("rate_limits"), "{refusal}");
    }

    #[test]
    fn parts_are_switched_off_for_proofs_only() {
        let ablation = Ablation::default().without(Part::Shedding);
        assert!(ablation.check(Profile::Demo).is_ok() && ablation.check(Profile::Test).is_ok());
        let refusal = ablation.check(Profile::Production).unwrap_err().to_string();
        assert!(refusal.contains("shedding"), "{refusal}");
        assert!(Ablation::default().check(Profile::Production).is_ok());
    }
}
