//! Settles which proofs `cargo ent prove` makes and judges by itself.

pub(crate) mod april_6;
pub(crate) mod shard_loss;
