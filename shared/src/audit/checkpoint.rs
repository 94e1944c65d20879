//! Settles what a checkpoint says and how it is signed: C2SP `tlog-checkpoint` in a C2SP `signed-note` with Ed25519.
//!
//! Text: origin, size, root (base64), and as extension line the time; signed under the origin ([`super::note`]). Any tool that
//! reads such notes reads these.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use ed25519_dalek::{SigningKey, VerifyingKey};

use super::merkle::Tree;
use super::note;

const TIME_PREFIX: &str = "time ";

/// A signed statement that the log of `origin` had this tree at this time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// Its tree.
    pub tree: Tree,
    /// When, to the second.
    pub at: DateTime<Utc>,
}

impl Checkpoint {
    /// The note, signed.
    pub fn sign(&self, key: &SigningKey) -> String {
        note::sign(&self.origin, &self.text(), key)
    }

    /// The checkpoint of a note that `key` has signed, and that is written exactly as [`Checkpoint::sign`] writes it.
    pub fn open(note: &str, key: &VerifyingKey) -> Option<Self> {
        let origin = note.lines().next()?;
        let text = note::open(origin, note, key)?;
        let mut lines = text.lines().skip(1);
        let (size, root) = (lines.next()?, lines.next()?);
        let at = lines.next()?.strip_prefix(TIME_PREFIX)?;
        let tree = Tree { size: size.parse().ok()?, root: STANDARD.decode(root).ok()?.try_into().ok()? };
        let at = DateTime::parse_from_rfc3339(at).ok()?.to_utc();
        let checkpoint = Self { origin: origin.to_owned(), tree, at };
        (checkpoint.text() == text).then_some(checkpoint)
    }

    fn text(&self) -> String {
        let Tree { size, root } = &self.tree;
        let at = self.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("{}\n{size}\n{}\n{TIME_PREFIX}{at}\n", self.origin, STANDARD.encode(root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> (Checkpoint, SigningKey) {
        let tree = Tree { size: 42, root: [7; 32] };
        let at = DateTime::from_timestamp(1_788_242_400, 0).unwrap();
        (Checkpoint { origin: "ent/auth".to_owned(), tree, at }, SigningKey::from_bytes(&[1; 32]))
    }

    #[test]
    fn a_note_reads_back_with_its_own_key_alone() {
        let (checkpoint, key) = checkpoint();
        let note = checkpoint.sign(&key);
        assert!(note.starts_with("ent/auth\n42\nBwcH"), "{note}");
        assert_eq!(Checkpoint::open(&note, &key.verifying_key()), Some(checkpoint));
        let other = SigningKey::from_bytes(&[2; 32]).verifying_key();
        assert_eq!(Checkpoint::open(&note, &other), None);
    }

    #[test]
    fn no_byte_of_a_note_can_be_changed() {
        let (checkpoint, key) = checkpoint();
        let note = checkpoint.sign(&key).into_bytes();
        for place in 0..note.len() {
            let mut changed = note.clone();
            changed[place] ^= 1;
            let opened = String::from_utf8(changed)
                .ok()
                .and_then(|note| Checkpoint::open(&note, &key.verifying_key()));
            assert_eq!(opened, None, "byte {place}");
        }
    }
}
