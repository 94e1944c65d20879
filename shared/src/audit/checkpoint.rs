//! Settles what a checkpoint says and how it is signed: C2SP `tlog-checkpoint` in a C2SP `signed-note` with Ed25519.
//!
//! Text: origin, size, root (base64), and as extension line the time. A blank line, then the signature line:
//! an em dash, the key's name (the origin), and base64 of key id and signature. Any tool that reads such notes reads these.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::merkle::Tree;

/// Algorithm byte of Ed25519 in key ids of signed notes.
const ED25519: u8 = 0x01;
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
        let text = self.text();
        let signature = key.sign(text.as_bytes()).to_bytes();
        let signed = [key_id(&self.origin, &key.verifying_key()).as_slice(), &signature].concat();
        format!("{text}\n\u{2014} {} {}\n", self.origin, STANDARD.encode(signed))
    }

    /// The checkpoint of a note that `key` has signed, and that is written exactly as [`Checkpoint::sign`] writes it.
    pub fn open(note: &str, key: &VerifyingKey) -> Option<Self> {
        let (text, signature_line) = note.strip_suffix('\n')?.split_once("\n\n")?;
        let mut lines = text.lines();
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let at = lines.next()?.strip_prefix(TIME_PREFIX)?;
        let tree = Tree { size: size.parse().ok()?, root: STANDARD.decode(root).ok()?.try_into().ok()? };
        let at = DateTime::parse_from_rfc3339(at).ok()?.to_utc();
        let checkpoint = Self { origin: origin.to_owned(), tree, at };
        let signed = signature_line.strip_prefix(&format!("\u{2014} {origin} "))?;
        let signed = STANDARD.decode(signed).ok()?;
        let signature = signed.strip_prefix(key_id(origin, key).as_slice())?;
        let text = checkpoint.text();
        key.verify_strict(text.as_bytes(), &Signature::from_slice(signature).ok()?).ok()?;
        note.starts_with(&text).then_some(checkpoint)
    }

    fn text(&self) -> String {
        let Tree { size, root } = &self.tree;
        let at = self.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("{}\n{size}\n{}\n{TIME_PREFIX}{at}\n", self.origin, STANDARD.encode(root))
    }
}

/// First four bytes of the key's hash, by which notes name a key.
fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let digest = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', ED25519])
        .chain_update(key.as_bytes())
        .finalize();
    let mut id = [0; 4];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    id
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
