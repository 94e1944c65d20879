//! Settles what a waiting person holds: a sealed place that needs no memory of it anywhere.

use shared::resilience::admission::Position;
use uuid::Uuid;

use super::Lane;
use crate::domain::sealed::{Fields, SealingKey};

/// Layout version, first byte.
const VERSION: u8 = 1;
/// A ticket is good for this long after its arrival, in seconds.
const LIFETIME_S: u64 = 2 * 3_600;
/// How many times one may try to sign in on a ticket: people mistype.
const TRIES: u8 = 3;

/// A place in the waiting room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Which ticket it is.
    pub id: Uuid,
    /// The lane.
    pub lane: Lane,
    /// The place in it.
    pub position: Position,
    /// The Unix second by which its turn was promised; 0 before anything was.
    pub promised: u64,
    /// How many sign-ins were tried on it.
    pub tries: u8,
}

impl Ticket {
    /// As it travels.
    pub fn seal(&self, key: &SealingKey) -> String {
        let mut bytes = Vec::with_capacity(39);
        bytes.push(VERSION);
        bytes.extend(self.id.as_bytes());
        bytes.push(self.lane as u8);
        bytes.extend(self.position.second.to_be_bytes());
        bytes.extend(self.position.spot.to_be_bytes());
        bytes.extend(self.promised.to_be_bytes());
        bytes.push(self.tries);
        key.seal(&bytes)
    }

    /// The ticket, if it was sealed with `key` and is still good.
    pub fn open(text: &str, key: &SealingKey, now_s: u64) -> Option<Self> {
        let bytes = key.open(text)?;
        let mut fields = Fields(&bytes);
        if fields.take::<1>()? != [VERSION] {
            return None;
        }
        let ticket = Self {
            id: Uuid::from_bytes(fields.take()?),
            lane: Lane::from_byte(u8::from_be_bytes(fields.take()?))?,
            position: Position {
                second: u64::from_be_bytes(fields.take()?),
                spot: u32::from_be_bytes(fields.take()?),
            },
            promised: u64::from_be_bytes(fields.take()?),
            tries: u8::from_be_bytes(fields.take()?),
        };
        (now_s < ticket.position.second + LIFETIME_S).then_some(ticket)
    }

    /// The promise, if there is one.
    pub fn promise(&self) -> Option<u64> {
        Some(self.promised).filter(|promised| *promised > 0)
    }

    /// The same place for one more try, if there is one left.
    pub fn next_try(self) -> Option<Self> {
        let tries = self.tries + 1;
        (tries < TRIES).then_some(Self { tries, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        Ticket {
            id: Uuid::from_u128(7),
            lane: Lane::Guardian,
            position: Position { second: 1_800_000_000, spot: u32::MAX - 1 },
            promised: 1_800_000_090,
            tries: 1,
        }
    }

    #[test]
    fn a_ticket_comes_back_as_it_went_until_it_is_too_old() {
        let key = SealingKey::derive(&[1; 32], "ticket");
        let text = ticket().seal(&key);
        assert_eq!(Ticket::open(&text, &key, 1_800_000_000), Some(ticket()));
        assert_eq!(Ticket::open(&text, &key, 1_800_000_000 + LIFETIME_S), None);
        assert_eq!(Ticket::open(&text, &SealingKey::derive(&[2; 32], "ticket"), 0), None);
    }

    #[test]
    fn three_tries_are_all() {
        let first = Ticket { tries: 0, ..ticket() };
        let third = first.next_try().unwrap().next_try().unwrap();
        assert_eq!((third.tries, third.next_try()), (2, None));
    }
}
