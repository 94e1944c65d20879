//! Settles by trial, on real engines and behind the real front door, that what the backend says of itself is true.
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests panic and look at the clock as they like"
)]

mod alerts;
mod backend;
mod front_door;
mod process;
mod receiver;
mod trace;
