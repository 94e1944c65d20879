//! Settles the rules of auth: how people prove who they are, and how long that holds.

pub mod device;
pub mod hasher;
pub mod password;
pub mod person;
pub mod refresh_handle;
pub mod revocation;
pub mod sealed;
pub mod session;
pub mod sign_in;
pub mod totp;
pub mod waiting_room;
