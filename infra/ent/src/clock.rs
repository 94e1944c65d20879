//! Settles where this command reads the time: its waits are about real processes, so nothing here moves a clock.

use std::time::Instant;

use chrono::{DateTime, Utc};

/// The time now.
#[expect(
    clippy::disallowed_methods,
    reason = "waits for real processes have no other clock than the real one"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The date and time now, for lines in a log and for certificates.
#[expect(clippy::disallowed_methods, reason = "a log and a certificate are about the real calendar")]
pub(crate) fn wall() -> DateTime<Utc> {
    Utc::now()
}
