//! Settles what a send is in the simulation: what the service would be asked, when, and whether it is honest.

use std::sync::Arc;

use messaging::detection::behaviour::Circumstances;
use messaging::detection::fingerprint::{BANDS, Fingerprint};
use messaging::detection::normalise::NormalText;
use messaging::detection::window::Outgoing;
use uuid::Uuid;

use super::people::Person;

/// A send that somebody asks for.
pub struct Sending {
    /// Milliseconds after a midnight.
    pub at_ms: u64,
    /// What the service judges.
    pub outgoing: Outgoing,
    /// None for a text too short for one.
    pub print: Option<Arc<Print>>,
    pub is_hostile: bool,
    /// How soon the sender types a one-time code when asked for one; None for never.
    pub code_within_ms: Option<u64>,
}

impl Sending {
    /// An honest send of somebody who types no code.
    pub fn new(
        person: &Person,
        at_ms: u64,
        audience: i64,
        circumstances: Circumstances,
        print: Option<Arc<Print>>,
    ) -> Self {
        let outgoing = Outgoing {
            school_id: person.school_id(),
            sender_id: Uuid::from_u128(person.id.into()),
            audience,
            fingerprint: print.as_ref().map(|print| print.fingerprint.clone()),
            circumstances,
        };
        Self { at_ms, outgoing, print, is_hostile: false, code_within_ms: None }
    }

    pub fn circumstances(&self) -> &Circumstances {
        &self.outgoing.circumstances
    }
}

/// A text, made once and kept as what is compared of it.
pub struct Print {
    pub fingerprint: Fingerprint,
    pub bands: [i32; BANDS],
}

impl Print {
    /// Through the code of the service.
    pub fn of(text: &str) -> Option<Arc<Self>> {
        let fingerprint = Fingerprint::of(&NormalText::of(text))?;
        Some(Arc::new(Self { bands: fingerprint.bands(), fingerprint }))
    }
}
