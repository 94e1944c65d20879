//! Settles how auth gives content away and knows it again: plain bytes with a MAC, each kind under a key of its own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes of a MAC: HMAC-SHA256 cut to 128 bits (RFC 2104, section 5), so that cookies stay short.
const MAC_BYTES: usize = 16;

/// The key of one kind of content, derived from the service's secret and the name of the kind.
#[derive(Clone)]
pub struct SealingKey(Hmac<Sha256>);

impl SealingKey {
    /// The key for `kind`. What is sealed under one kind never opens under another.
    pub fn derive(secret: &[u8; 32], kind: &str) -> Self {
        Self(mac_with(&derived(secret, kind)))
    }

    /// The content with its MAC, as a cookie can carry it.
    pub fn seal(&self, content: &[u8]) -> String {
        let mac = self.mac(content);
        let mut bytes = Vec::with_capacity(content.len() + MAC_BYTES);
        bytes.extend_from_slice(content);
        bytes.extend_from_slice(mac.get(..MAC_BYTES).unwrap_or(&mac));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The content, if it was sealed with this key.
    pub fn open(&self, text: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let length = bytes.len().checked_sub(MAC_BYTES)?;
        let (content, mac) = bytes.split_at(length);
        let mut expected = self.0.clone();
        expected.update(content);
        expected.verify_truncated_left(mac).ok()?;
        bytes.truncate(length);
        Some(bytes)
    }

    /// A number that nobody without the key can foresee or choose.
    pub fn spot(&self, content: &[u8]) -> u32 {
        let [a, b, c, d, ..] = self.mac(content);
        u32::from_be_bytes([a, b, c, d])
    }

    /// A name under which something can be stored without saying what it is.
    pub fn name(&self, content: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(content).get(..MAC_BYTES).unwrap_or_default())
    }

    fn mac(&self, content: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(content);
        mac.finalize().into_bytes().into()
    }
}

/// The bytes of a key of one kind, for what needs more than a MAC.
pub fn derived(secret: &[u8; 32], kind: &str) -> [u8; 32] {
    let mut derived = mac_with(secret);
    derived.update(kind.as_bytes());
    derived.finalize().into_bytes().into()
}

fn mac_with(key: &[u8; 32]) -> Hmac<Sha256> {
    // A key shorter than SHA-256's block is padded with zeros (RFC 2104); doing it here keeps the call infallible.
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    Hmac::new(&block.into())
}

/// Takes fields off the front of content.
pub struct Fields<'a>(pub &'a [u8]);

impl Fields<'_> {
    /// The next `N` bytes.
    pub fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_under_this_key_opens() {
        let (key, other) = (SealingKey::derive(&[7; 32], "ticket"), SealingKey::derive(&[7; 32], "device"));
        let sealed = key.seal(b"content");
        assert_eq!(key.open(&sealed).as_deref(), Some(&b"content"[..]));
        assert_eq!(other.open(&sealed), None);
        let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for index in 0..bytes.len() {
            bytes[index] ^= 1;
            assert_eq!(key.open(&URL_SAFE_NO_PAD.encode(&bytes)), None, "byte {index}");
            bytes[index] ^= 1;
        }
        assert_eq!(key.open(""), None);
        assert_eq!(key.open("not base64!"), None);
    }
}
