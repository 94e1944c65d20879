//! Settles what messaging has its siblings do.

pub mod auth;
