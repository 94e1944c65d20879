//! Settles the lines of an export: JSON, one thing a line, each written in exactly one way.
//!
//! A head, then checkpoints (each proven to continue the one before), then entries (each proven to be in the last
//! checkpoint), then an end. Hashes are base64; positions count from 1.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::merkle::Hash;

pub(super) const VERSION: u32 = 1;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    /// What follows.
    Head {
        /// [`VERSION`].
        version: u32,
        /// Which log.
        origin: String,
        /// Positions of the first and last entry that follow.
        first: u64,
        last: u64,
        /// Base64 of the public key. For people: a verifier believes only the key it is given.
        public_key: String,
    },
    /// A signed note, and what proves that it continues the one before.
    Checkpoint { note: String, consistency: Vec<String> },
    /// An entry, and what proves that the last checkpoint has it.
    Entry { position: u64, content: String, inclusion: Vec<String> },
    /// How many lines came before, and the SHA-256 of all their bytes: a file that was cut off is noticed.
    End { lines: u64, sha256: String },
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
}

pub(super) fn encode(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash)).collect()
}

pub(super) fn decode(texts: &[String]) -> Option<Vec<Hash>> {
    texts.iter().map(|text| STANDARD.decode(text).ok()?.try_into().ok()).collect()
}
