//! Settles how the backend stays up while what it depends on does not: each part bounds one thing that an outage would otherwise multiply.
//!
//! No part does I/O, and each asks the clock that it was given. [`breaker`] stops calling what does not answer,
//! [`bulkhead`] bounds how many callers one dependency can hold up, [`retry_budget`] bounds how much work retries may
//! add, [`backoff`] spreads them over time. Parts are plain values that callers put in sequence; there is no tower of layers.

pub mod backoff;
pub mod breaker;
pub mod bulkhead;
pub mod retry_budget;
