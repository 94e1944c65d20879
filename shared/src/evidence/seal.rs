//! Settles how a text is sealed for the two persons, and how one of them opens it: the sealed box of `NaCl`, which libsodium opens too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto_box::aead::OsRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::key::{OpeningKey, ReaderKey};
use crate::ids;

/// Random bytes before the text, without which a short text could be guessed by its commitment.
const SALT: usize = 32;

/// A text that only its readers can open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Base64 of the SHA-256 of what is in each box: 32 random bytes, then the text.
    pub commitment: String,
    /// Base64, one for each reader, in their order.
    pub boxes: Vec<String>,
}

/// What sealing can fail with: a fault of the cipher, which has no reason of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a text could not be sealed")]
pub struct NotSealed;

/// What opening can fail with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsealed {
    /// None of the boxes is for this key, or all that are were changed.
    #[error("no box opens with this key")]
    NoBox,
    /// What is in the box is not what was sealed.
    #[error("what is in the box is not what its commitment says")]
    NotCommitted,
}

/// Seals a text for each reader.
pub fn seal(readers: &[ReaderKey], text: &[u8]) -> Result<Sealed, NotSealed> {
    let content = [ids::random_bytes::<SALT>().as_slice(), text].concat();
    let boxes = readers.iter().map(|reader| reader.public.seal(&mut OsRng, &content));
    let boxes = boxes.map(|sealed| sealed.map(|bytes| STANDARD.encode(bytes)).map_err(|_| NotSealed));
    Ok(Sealed { commitment: commitment(&content), boxes: boxes.collect::<Result<_, _>>()? })
}

/// Opens a text with the key of one reader.
pub fn open(key: &OpeningKey, sealed: &Sealed) -> Result<Vec<u8>, Unsealed> {
    let boxes = sealed.boxes.iter().filter_map(|sealed| STANDARD.decode(sealed).ok());
    let content = boxes.into_iter().find_map(|sealed| key.secret.unseal(&sealed).ok());
    let content = content.ok_or(Unsealed::NoBox)?;
    if commitment(&content) != sealed.commitment {
        return Err(Unsealed::NotCommitted);
    }
    content.get(SALT..).map(<[u8]>::to_vec).ok_or(Unsealed::NotCommitted)
}

fn commitment(content: &[u8]) -> String {
    sha256(content)
}

/// Base64 of the SHA-256 of `content`.
pub fn sha256(content: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(content))
}
