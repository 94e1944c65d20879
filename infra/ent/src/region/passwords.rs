//! Settles demo passwords: a small pool of real argon2id hashes that all seeded accounts share.
//!
//! Hashing 100,000 passwords would take half an hour of one core, so 16 are hashed and every account gets one of them.
//! That makes no difference to the cost of a sign-in, which always verifies one hash with the same parameters. It does
//! mean that whoever knows one demo password can sign in as thousands of people, which is one more reason why
//! accounts marked `is_demo` are refused outside the demo profile.

use anyhow::Context;
use argon2::{Argon2, PasswordHasher};
use rand::{Rng, RngCore};

use super::streams::Dice;

/// The words of the pool: with a number they are plainly demo, and at least 12 characters long.
const WORDS: [&str; 16] = [
    "cartable", "ardoise", "trousse", "pupitre", "compas", "agenda", "gomme", "equerre", "cahier", "stylo",
    "craie", "tableau", "cantine", "gommette", "marelle", "boussole",
];

/// A password and its hash, as a PHC string.
pub(super) struct Password {
    pub(super) plain: String,
    pub(super) hash: String,
}

/// The pool of a seed: passwords and salts follow from the seed.
pub(super) fn pool(dice: &mut Dice) -> anyhow::Result<Vec<Password>> {
    WORDS.iter().map(|word| hashed(word, dice)).collect()
}

fn hashed(word: &str, dice: &mut Dice) -> anyhow::Result<Password> {
    let plain = format!("demo-{word}-{}", dice.random_range(100..1000));
    let mut salt = [0; 16];
    dice.fill_bytes(&mut salt);
    let hash = Argon2::default()
        .hash_password_with_salt(plain.as_bytes(), &salt)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .context("cannot hash a demo password")?;
    Ok(Password { plain, hash: hash.to_string() })
}

/// A new TOTP secret of 160 bits (RFC 4226 recommends that length), base32 without padding.
pub(super) fn totp_secret(dice: &mut Dice) -> String {
    let mut bytes = vec![0; 20];
    dice.fill_bytes(&mut bytes);
    totp_rs::Secret::Raw(bytes).to_encoded().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::streams::{Concern, dice};
    use argon2::PasswordVerifier;
    use argon2::password_hash::phc::PasswordHash;

    #[test]
    fn the_pool_holds_real_hashes_of_its_passwords() {
        let pool = pool(&mut dice(1, Concern::Credentials)).unwrap();
        assert_eq!(pool.len(), 16);
        for password in &pool {
            assert!(password.plain.len() >= 12, "{} is short", password.plain);
            assert!(password.hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", password.hash);
        }
        let first = pool.first().unwrap();
        let hash = PasswordHash::new(&first.hash).unwrap();
        Argon2::default().verify_password(first.plain.as_bytes(), &hash).unwrap();
    }

    #[test]
    fn a_totp_secret_is_160_bits_of_unpadded_base32() {
        let secret = totp_secret(&mut dice(1, Concern::Credentials));
        assert_eq!(secret.len(), 32);
        assert!(secret.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)));
    }
}
