//! Settles every SQL statement and every Redis key of messaging.

pub mod account_response;
pub mod communication_rule;
pub mod delivery;
pub mod directory;
pub mod event;
pub mod evidence;
pub mod hold;
pub mod incident;
pub mod message;
pub mod recall;
pub mod recipient;
pub mod restriction;
pub mod retention;
pub mod roster;
pub mod search;
pub mod seed;
pub mod send_limit;
pub mod send_lock;
pub mod sent;
pub mod standing;
pub mod text;
pub mod thread;
pub mod usage;
