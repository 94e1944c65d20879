//! Settles how the secrets of authenticators rest in the database: encrypted for their account alone, under a key that is not in it.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use shared::config::{Invalid, Profile};
use shared::{ids, keys};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::sealed::{SealingKey, derived};
use crate::config::Authenticators;

/// Begins whatever is encrypted: the first layout.
const PREFIX: &str = "s1.";

/// The keys of secrets, and of recovery codes. Cloning shares them.
#[derive(Clone)]
pub struct SecretKeys {
    /// The current one first.
    keys: Arc<[(LessSafeKey, SealingKey)]>,
    accepts_plain: bool,
}

/// A secret that was opened.
pub struct Opened {
    /// Base32.
    pub secret: Zeroizing<String>,
    /// Whether it should be sealed anew: it was under an older key.
    pub is_old: bool,
}

impl SecretKeys {
    /// Reads the keys. Plain secrets are taken where demo accounts are.
    pub fn open(config: &Authenticators, profile: Profile) -> Result<Self, Invalid> {
        let pair = |file: &PathBuf| {
            let secret = keys::read_secret(file, profile)?;
            let key = UnboundKey::new(&CHACHA20_POLY1305, &derived(&secret, "authenticator"));
            let key = key.map_err(|_| Invalid::new("own.authenticators: a key cannot be used"))?;
            Ok((LessSafeKey::new(key), SealingKey::derive(&secret, "recovery code")))
        };
        let keys = config.key_files().map(pair).collect::<Result<_, Invalid>>()?;
        Ok(Self { keys, accepts_plain: profile.accepts_demo() })
    }

    /// Encrypts a secret (base32) for a person. `None` only where there is no key.
    pub fn seal(&self, person_id: Uuid, secret: &str) -> Option<String> {
        // Random nonces of 96 bits: a key is far from its limit of 2^32 secrets (NIST SP 800-38D, 8.3, for the same length).
        let (nonce, mut bytes) = (ids::random_bytes::<NONCE_LEN>(), secret.as_bytes().to_vec());
        let (key, _) = self.keys.first()?;
        let owner = Aad::from(person_id.as_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), owner, &mut bytes).ok()?;
        Some(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([nonce.as_slice(), &bytes].concat())))
    }

    /// The secret, if it was sealed for this person.
    pub fn unseal(&self, person_id: Uuid, kept: &str) -> Option<Opened> {
        let Some(sealed) = kept.strip_prefix(PREFIX) else {
            let plain = || Opened { secret: Zeroizing::new(kept.to_owned()), is_old: false };
            return self.accepts_plain.then(plain);
        };
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(sealed).ok()?);
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        self.keys.iter().enumerate().find_map(|(age, (key, _))| {
            let mut bytes = Zeroizing::new(sealed.to_vec());
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let secret = key.open_in_place(nonce, Aad::from(person_id.as_bytes()), &mut bytes).ok()?;
            let secret = Zeroizing::new(str::from_utf8(secret).ok()?.to_owned());
            Some(Opened { secret, is_old: age > 0 })
        })
    }

    /// What new recovery codes are stored under.
    pub fn recovery(&self) -> Option<&SealingKey> {
        self.keys.first().map(|(_, recovery)| recovery)
    }

    /// What recovery codes may be stored under.
    pub fn recoveries(&self) -> impl Iterator<Item = &SealingKey> {
        self.keys.iter().map(|(_, recovery)| recovery)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::testing::TestKeys;

    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn keys(files: &TestKeys, current: &str, older: &[&str], profile: Profile) -> SecretKeys {
        let config = Authenticators {
            key_file: files.file(current),
            older_key_files: older.iter().map(|name| files.file(name)).collect(),
            issuer: "ENT".to_owned(),
        };
        SecretKeys::open(&config, profile).unwrap()
    }

    #[test]
    fn a_secret_opens_for_its_person_and_with_its_key_only() {
        let files = TestKeys::generate();
        let (person, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = keys(&files, "authenticators", &[], Profile::Test);
        let sealed = first.seal(person, SECRET).unwrap();
        assert!(!sealed.contains(SECRET) && sealed != first.seal(person, SECRET).unwrap());
        assert_eq!(*first.unseal(person, &sealed).unwrap().secret, SECRET);
        assert!(first.unseal(other, &sealed).is_none(), "rows cannot be exchanged");
        assert!(first.unseal(person, &sealed[..sealed.len() - 2]).is_none());
        assert!(first.unseal(person, PREFIX).is_none());
        let second = keys(&files, "refresh", &["authenticators"], Profile::Test);
        assert!(second.unseal(person, &sealed).unwrap().is_old);
        assert!(keys(&files, "refresh", &[], Profile::Test).unseal(person, &sealed).is_none());
    }

    #[test]
    fn plain_secrets_are_taken_where_demo_accounts_are_and_nowhere_else() {
        let person = Uuid::from_u128(1);
        let demo = keys(&TestKeys::generate(), "authenticators", &[], Profile::Demo);
        assert_eq!(*demo.unseal(person, SECRET).unwrap().secret, SECRET);
        let real = keys(&TestKeys::generate_as("real"), "authenticators", &[], Profile::Production);
        assert!(real.unseal(person, SECRET).is_none());
    }
}
