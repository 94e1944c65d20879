//! Settles what belongs to one installation only: passwords, keys, certificates and checkpoints, kept private.

pub(crate) mod calendar;
pub(crate) mod checkpoints;
pub(crate) mod keys;
pub(crate) mod secrets;
pub(crate) mod tls;
