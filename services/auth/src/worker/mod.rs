//! Settles what auth does beside requests.

pub mod campaign;
pub mod waiting_room;
