//! Settles how demo rows get their ids: derived from the source's own id, so that seeding twice gives the same ones.

use std::fmt::Display;

use chrono::{DateTime, Utc};
use rand::RngCore;
use uuid::{Builder, Uuid};

use super::Scale;
use super::streams::Dice;

/// The namespace of ids of imported rows: `UUIDv5` (RFC 9562, 5.5) of `<source>:<source id>` within this constant, which
/// is itself a random `UUIDv4` drawn once. Changing it changes the id of everything that was ever imported.
const IMPORTED: Uuid = Uuid::from_u128(0x6f0d_41c5_92ab_4c07_b8a3_5e1f_7d26_90e4);

/// The source that demo rows name, as `person.source`.
pub(super) const SOURCE: &str = "demo";

/// Makes the ids of one data set.
#[derive(Debug)]
pub(super) struct Ids {
    prefix: String,
}

impl Ids {
    pub(super) fn new(scale: Scale, seed: u64) -> Self {
        let scale = match scale {
            Scale::Small => "small",
            Scale::Region => "region",
        };
        Self { prefix: format!("{SOURCE}-{seed}-{scale}") }
    }

    /// The id and the source id of row `number` of `kind`.
    pub(super) fn numbered(&self, kind: &str, number: impl Display) -> (Uuid, String) {
        let source_id = format!("{}-{kind}-{number}", self.prefix);
        (Uuid::new_v5(&IMPORTED, format!("{SOURCE}:{source_id}").as_bytes()), source_id)
    }

    /// The id of row `number` of `kind`.
    pub(super) fn id(&self, kind: &str, number: impl Display) -> Uuid {
        self.numbered(kind, number).0
    }
}

/// The id of what is born at `time`: a `UUIDv7`, so that ids sort as their times do.
pub(super) fn born_at(time: DateTime<Utc>, dice: &mut Dice) -> Uuid {
    let mut random = [0; 10];
    dice.fill_bytes(&mut random);
    let millis = u64::try_from(time.timestamp_millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_scale_seed_kind_and_number() {
        let ids = Ids::new(Scale::Small, 1);
        assert_eq!(ids.numbered("person", 3), ids.numbered("person", 3));
        assert_ne!(ids.id("person", 3), ids.id("school", 3));
        assert_ne!(ids.id("person", 3), Ids::new(Scale::Region, 1).id("person", 3));
        assert_eq!(ids.numbered("person", 3).1, "demo-1-small-person-3");
        assert_eq!(ids.id("person", 3).get_version_num(), 5);
    }
}
