//! Settles what auth does beside requests.

pub mod waiting_room;
