//! Settles which sends are held for a second look.

pub mod behaviour;
pub mod fingerprint;
pub mod normalise;
