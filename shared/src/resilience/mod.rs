//! Settles how the backend stays up while what it depends on does not, or while more is asked of it than it can do.
//!
//! No part does I/O, and each asks the clock that it was given. [`breaker`] stops calling what does not answer,
//! [`bulkhead`] bounds how many callers one dependency can hold up, [`retry_budget`] bounds how much work retries may
//! add, [`backoff`] spreads them over time, [`rate_limit`] bounds how often one caller asks, [`shedding`] and
//! [`adaptive_limit`] bound what is taken on at all, [`priority`] says what is given up first. Parts are plain values that callers put in sequence; there is no tower of layers.

pub mod adaptive_limit;
pub mod admission;
pub mod backoff;
pub mod breaker;
pub mod bulkhead;
pub mod priority;
pub mod rate_limit;
pub mod retry_budget;
pub mod shedding;
mod sync;
