//! Settles what messaging asks of its siblings, and has them do.

pub mod auth;
pub mod security_events;
