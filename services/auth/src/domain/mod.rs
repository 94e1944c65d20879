//! Settles the rules of auth: how people prove who they are, and how long that holds.

pub mod attempts;
pub mod breach_filter;
pub mod browser;
pub mod codes;
pub mod containment;
pub mod device;
pub mod directory;
pub mod hasher;
pub mod new_password;
pub mod own_sessions;
pub mod password;
pub mod password_policy;
pub mod person;
pub mod refresh_handle;
pub mod rehash;
pub mod revocation;
pub mod sealed;
pub mod session;
pub mod session_copies;
mod session_lookup;
mod session_refresh;
pub mod session_tokens;
pub mod sign_in;
pub mod signing_keys;
pub mod step_up;
pub mod totp;
pub mod waiting_room;
