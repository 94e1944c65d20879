//! Settles what messaging does beside requests.

pub mod account_response;
pub mod event;
pub mod restriction;
pub mod retention;
