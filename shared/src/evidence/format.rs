//! Settles the lines of a bundle of evidence.

use serde::{Deserialize, Serialize};

use super::seal::Sealed;
use crate::audit::Proof;

pub(super) const VERSION: u32 = 1;

/// What the file is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Always 1.
    pub version: u32,
    /// Which service made it, as checkpoints call it.
    pub origin: String,
    /// What it is about: a kind and an id.
    pub subject: String,
    /// When it was made (RFC 3339, UTC).
    pub made_at: String,
    /// Base64 of the public key. For people: a verifier believes only the key it is given.
    pub public_key: String,
    /// Who can open what is sealed.
    pub readers: Vec<Reader>,
}

/// Somebody who can open what is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// The name of the key.
    pub name: String,
    /// Base64 of the public key (X25519).
    pub public_key: String,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Item {
    /// A text that everybody may read who has the file.
    Text {
        /// Its name, as of a file.
        name: String,
        /// What it is.
        media_type: String,
        /// The text.
        content: String,
    },
    /// Entries of an audit log.
    Proof {
        /// Its name.
        name: String,
        /// The entries and what proves them.
        proof: Proof,
    },
    /// A text that only the readers can open.
    Sealed {
        /// Its name.
        name: String,
        /// The text, once for each reader.
        sealed: Sealed,
    },
}

impl Item {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Text { name, .. } | Self::Proof { name, .. } | Self::Sealed { name, .. } => name,
        }
    }
}

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    /// What follows.
    Head(Head),
    /// Something.
    Item(Item),
    /// The lines before, in their order.
    Manifest {
        /// One for each line.
        lines: Vec<Listed>,
    },
    /// A note over the SHA-256 of everything before this line.
    Signature {
        /// The signed note.
        note: String,
    },
}

/// A line as the manifest lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    /// Name of what it holds; `head` for the head.
    pub name: String,
    /// With its line break.
    pub bytes: u64,
    /// Base64, of the bytes of the line.
    pub sha256: String,
}

impl Line {
    /// The text, with its line break.
    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// The line, if it is written exactly as [`Line::write`] writes it.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|line: &Self| line.write() == text)
    }

    pub(super) fn listed_name(&self) -> String {
        match self {
            Self::Head(_) => "head".to_owned(),
            Self::Item(item) => item.name().to_owned(),
            Self::Manifest { .. } => "manifest".to_owned(),
            Self::Signature { .. } => "signature".to_owned(),
        }
    }
}

/// What the signature is over, and the name it is given under.
pub(super) fn signed_text(origin: &str, sha256: &str) -> (String, String) {
    let name = format!("{origin}/evidence");
    let text = format!("{name}\n{sha256}\n");
    (name, text)
}
