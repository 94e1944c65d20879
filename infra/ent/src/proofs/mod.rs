//! Settles which proofs `cargo ent prove` makes by itself, without k6.

pub(crate) mod shard_loss;
