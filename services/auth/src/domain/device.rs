//! Settles what a browser remembers of who has signed in on it: a sealed list that tells a person's own device from a stranger's.
//!
//! Why (OWASP, "device cookies"): a guesser on the other side of the world and the owner of the account type the same login.
//! With this cookie they are two classes: the strangers can be locked out of an account without locking out its owner.

use shared::clock::Clock;
use shared::ids;
use uuid::Uuid;

use super::sealed::{Fields, SealingKey};
use super::waiting_room::Lane;

/// Layout version, first byte.
const VERSION: u8 = 1;
/// People that one device remembers, the last first: a family's computer.
const PEOPLE: usize = 6;

/// A device, as its cookie says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Which device it is.
    pub id: Uuid,
    /// Who has signed in on it, the last first.
    people: Vec<Known>,
}

/// Somebody who has signed in on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    person: Uuid,
    since: u64,
    lane: Lane,
}

impl Device {
    /// A device that nobody has signed in on.
    pub fn new(clock: &dyn Clock) -> Self {
        Self { id: ids::new_id(clock), people: vec![] }
    }

    /// The lane of whoever signed in last.
    pub fn lane(&self) -> Lane {
        self.people.first().map_or(Lane::Unknown, |known| known.lane)
    }

    /// Since when a person has signed in here, in Unix seconds.
    pub fn known_since(&self, person: Uuid) -> Option<u64> {
        self.people.iter().find(|known| known.person == person).map(|known| known.since)
    }

    /// Remembers that a person has signed in.
    #[must_use]
    pub fn with(mut self, person: Uuid, lane: Lane, now: u64) -> Self {
        let since = self.known_since(person).unwrap_or(now);
        self.people.retain(|known| known.person != person);
        self.people.insert(0, Known { person, since, lane });
        self.people.truncate(PEOPLE);
        self
    }

    /// As the cookie carries it.
    pub fn seal(&self, key: &SealingKey) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.id.as_bytes());
        for known in &self.people {
            bytes.extend(known.person.as_bytes());
            bytes.extend(known.since.to_be_bytes());
            bytes.push(known.lane as u8);
        }
        key.seal(&bytes)
    }

    /// The device, if its cookie was sealed with `key`.
    pub fn open(text: &str, key: &SealingKey) -> Option<Self> {
        let bytes = key.open(text)?;
        let mut fields = Fields(&bytes);
        if fields.take::<1>()? != [VERSION] {
            return None;
        }
        let id = Uuid::from_bytes(fields.take()?);
        let mut people = vec![];
        while let Some(person) = fields.take() {
            let since = u64::from_be_bytes(fields.take()?);
            let lane = Lane::from_byte(u8::from_be_bytes(fields.take()?))?;
            people.push(Known { person: Uuid::from_bytes(person), since, lane });
        }
        Some(Self { id, people })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::testing::ManualClock;

    #[test]
    fn a_device_remembers_the_last_people_and_since_when() {
        let (key, clock) = (SealingKey::derive(&[1; 32], "device"), ManualClock::default());
        let mut device = Device::new(&clock);
        assert_eq!(device.lane(), Lane::Unknown);
        for person in 0..8 {
            device =
                device.with(Uuid::from_u128(person), Lane::Student, 100 + u64::try_from(person).unwrap());
        }
        device = device.with(Uuid::from_u128(5), Lane::Staff, 900);
        let device = Device::open(&device.seal(&key), &key).unwrap();
        assert_eq!(device.lane(), Lane::Staff);
        assert_eq!(device.known_since(Uuid::from_u128(5)), Some(105));
        assert_eq!(device.known_since(Uuid::from_u128(1)), None, "only the last six");
        assert_eq!(Device::open("", &key), None);
    }
}
