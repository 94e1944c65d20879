//! Settles how identifiers and random bytes come about: ids in the order of time, bytes that nobody foresees.

use chrono::{DateTime, Utc};
use rand::Rng;
use uuid::{ContextV7, Timestamp, Uuid};

use crate::clock::Clock;

/// A fresh UUIDv7 (RFC 9562, 5.7): ids made later sort later, to the millisecond of `clock`.
pub fn new_id(clock: &dyn Clock) -> Uuid {
    id_at(clock.utc())
}

fn id_at(time: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(ContextV7::new(), seconds, time.timestamp_subsec_nanos()))
}

/// Random bytes from the operating system's generator, by way of a per-thread CSPRNG.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    random().fill(&mut bytes);
    bytes
}

/// The process's random source, for jitter and keys.
#[expect(clippy::disallowed_methods, reason = "the home of randomness")]
pub fn random() -> impl Rng {
    rand::rng()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn ids_of_later_milliseconds_sort_later() {
        let start = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let ids: Vec<Uuid> = (0..100).map(|ms| id_at(start + TimeDelta::milliseconds(ms))).collect();
        assert!(ids.is_sorted());
    }
}
