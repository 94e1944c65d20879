//! Settles what belongs to one installation only: passwords, keys and certificates, made once and kept private.

pub(crate) mod keys;
pub(crate) mod secrets;
pub(crate) mod tls;
