//! Settles what tests are made of: real engines, a clock that they move, a proxy that they break.

mod clock;

pub use clock::ManualClock;
