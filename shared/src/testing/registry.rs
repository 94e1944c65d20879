//! Settles which breakers a test uses when it opens an engine without a service: some of its own.

use crate::ablation::Ablation;
use crate::clock::system_clock;
use crate::resilience::breaker::Registry;

/// Breakers that nobody else sees, on the machine's clock.
pub fn breakers() -> Registry {
    Registry::new(system_clock(), Ablation::default())
}
