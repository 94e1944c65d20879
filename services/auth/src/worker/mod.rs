//! Settles what auth does beside requests.

pub mod campaign;
pub mod sweeper;
pub mod waiting_room;
