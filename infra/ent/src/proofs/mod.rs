//! Settles which proofs `cargo ent prove` makes and judges by itself.

mod aim;
pub(crate) mod april_6;
pub(crate) mod compromised_account;
mod generator;
mod html;
pub(crate) mod rolling_restart;
mod seen;
pub(crate) mod shard_loss;
