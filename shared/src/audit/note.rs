//! Settles how a text is signed: a C2SP `signed-note` with Ed25519, of one signature.
//!
//! The text, a blank line, then the signature line: an em dash, the key's name, and base64 of key id and signature. The key
//! id depends on the name, so what is signed under one name is never taken for what is signed under another.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// Algorithm byte of Ed25519 in key ids of signed notes.
const ED25519: u8 = 0x01;

/// The note of a text that ends with a line break and has no blank line.
pub(super) fn sign(name: &str, text: &str, key: &SigningKey) -> String {
    let signature = key.sign(text.as_bytes()).to_bytes();
    let signed = [key_id(name, &key.verifying_key()).as_slice(), &signature].concat();
    format!("{text}\n\u{2014} {name} {}\n", STANDARD.encode(signed))
}

/// The text of a note that `key` has signed under this name, if it is written exactly as [`sign`] writes it.
pub(crate) fn open<'a>(name: &str, note: &'a str, key: &VerifyingKey) -> Option<&'a str> {
    let end = note.find("\n\n")?.checked_add(1)?;
    let (text, rest) = note.split_at_checked(end)?;
    let signature_line = rest.strip_prefix('\n')?.strip_suffix('\n')?;
    let signed = signature_line.strip_prefix(&format!("\u{2014} {name} "))?;
    let signed = STANDARD.decode(signed).ok()?;
    let signature = signed.strip_prefix(key_id(name, key).as_slice())?;
    key.verify_strict(text.as_bytes(), &Signature::from_slice(signature).ok()?).ok()?;
    Some(text)
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
