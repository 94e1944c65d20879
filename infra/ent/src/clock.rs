//! Settles where this command reads the time: its waits are about real processes, so nothing here moves a clock.

use std::time::Instant;

/// The time now.
#[expect(clippy::disallowed_methods, reason = "waits for real processes have no other clock than the real one")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
