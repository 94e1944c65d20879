//! Settles whether a password matches a stored hash: argon2id with the parameters that the hash names, in memory that is reused.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use shared::ids;
use subtle::ConstantTimeEq;

/// Memory of current hashes: 19 MiB, with 2 passes and 1 lane (OWASP password storage cheat sheet, argon2id).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT_BYTES: usize = 32;
/// A stored hash that asks for more than this is refused: it would starve the others.
const LARGEST_MEMORY_KIB: u32 = 65_536;

/// Memory of one hash computation. Reused: fresh pages cost a quarter of the whole hash.
pub struct Workspace(Vec<Block>);

impl Workspace {
    /// Enough for current hashes; grows once when an older hash needs more.
    pub fn new() -> Self {
        Self(vec![Block::default(); MEMORY_KIB as usize])
    }

    fn at_least(&mut self, blocks: usize) -> &mut [Block] {
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::default());
        }
        &mut self.0
    }
}

/// Whether a stored hash has the current parameters.
pub fn is_current(hash: &str) -> bool {
    hash.starts_with(&format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$"))
}

/// The hash of a new password, as a PHC string. `None` only if the parameters cannot be used.
pub fn hash(password: &str, workspace: &mut Workspace) -> Option<String> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT_BYTES)).ok()?;
    let (salt, mut output) = (ids::random_bytes::<16>(), [0; OUTPUT_BYTES]);
    let blocks = params.block_count();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.as_bytes(), &salt, &mut output, workspace.at_least(blocks))
        .ok()?;
    let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
    Some(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${output}"))
}

/// A hash (PHC string) that no password matches and that costs as much as a real one: an unknown login
/// must take as long as a known one.
pub const HASH_OF_NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keS0wMQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Whether `password` is the one behind `hash`. `None` when the hash cannot be used.
pub fn matches(password: &str, hash: &str, workspace: &mut Workspace) -> Option<bool> {
    let parsed = PasswordHash::new(hash).ok()?;
    let (salt, expected) = (parsed.salt?, parsed.hash?);
    let params = Params::try_from(&parsed).ok()?;
    if parsed.algorithm != Algorithm::Argon2id.ident() || params.m_cost() > LARGEST_MEMORY_KIB {
        return None;
    }
    let mut output = [0; OUTPUT_BYTES];
    let output = output.get_mut(..expected.len())?;
    let blocks = params.block_count();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            password.as_bytes(),
            salt.as_ref(),
            output,
            workspace.at_least(blocks),
        )
        .ok()?;
    Some(output.ct_eq(expected.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::PasswordHasher;

    fn hash(password: &str, memory_kib: u32) -> String {
        let params = Params::new(memory_kib, 2, 1, Some(OUTPUT_BYTES)).unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_with_salt(password.as_bytes(), b"0123456789abcdef").unwrap().to_string()
    }

    #[test]
    fn only_the_right_password_matches_whatever_the_parameters() {
        let mut workspace = Workspace::new();
        for memory_kib in [64, MEMORY_KIB, 32_768] {
            let stored = hash("demo-cartable-42", memory_kib);
            assert_eq!(matches("demo-cartable-42", &stored, &mut workspace), Some(true), "{memory_kib}");
            assert_eq!(matches("demo-cartable-43", &stored, &mut workspace), Some(false), "{memory_kib}");
        }
    }

    #[test]
    fn a_new_hash_is_current_salted_and_matched_by_its_password_only() {
        let mut workspace = Workspace::new();
        let made = super::hash("tiroir vif", &mut workspace).unwrap();
        assert!(is_current(&made) && is_current(HASH_OF_NOBODY));
        assert!(!is_current(&hash("tiroir vif", 64)));
        assert_eq!(matches("tiroir vif", &made, &mut workspace), Some(true));
        assert_eq!(matches("tiroir vit", &made, &mut workspace), Some(false));
        assert_ne!(super::hash("tiroir vif", &mut workspace).unwrap(), made);
    }

    #[test]
    fn nobody_has_a_usable_hash_that_nothing_matches() {
        assert_eq!(matches("", HASH_OF_NOBODY, &mut Workspace::new()), Some(false));
        assert!(
            HASH_OF_NOBODY.contains(&format!("$m={MEMORY_KIB},t=2,p=1$")),
            "must cost what a current hash costs"
        );
    }

    #[test]
    fn an_unusable_hash_is_no_match_and_no_mismatch() {
        let mut workspace = Workspace::new();
        for bad in ["", "plain", "$argon2i$v=19$m=64,t=2,p=1$MDEyMzQ1Njc$AAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(matches("x", bad, &mut workspace), None, "{bad}");
        }
        assert_eq!(matches("x", &HASH_OF_NOBODY.replace("19456", "1048576"), &mut workspace), None);
    }
}
