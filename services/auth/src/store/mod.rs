//! Settles every SQL statement and every Redis key of auth.

pub mod account;
pub mod attempts;
pub mod authenticator;
pub mod campaign;
pub mod code;
pub mod containment;
pub mod directory;
pub mod ended;
pub mod person;
pub mod revocation;
pub mod role_change;
pub mod school_account;
pub mod security_event;
pub mod seed;
pub mod session;
pub mod session_copy;
pub mod signing_key;
pub mod switch;
pub mod waiting_room;
