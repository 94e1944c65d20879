//! Settles whether an access token is accepted: signature once, expiry every time, and no network in between.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, Validation, decode, decode_header, encode};
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use super::{ACCESS_TOKEN_TYPE, AUDIENCE, Claims, ISSUER, Keyring};
use crate::clock::SharedClock;
use crate::config::Invalid;
use crate::keys::SigningKeyFile;

/// Tokens remembered as verified; one is about 500 bytes.
const REMEMBERED_TOKENS: u64 = 100_000;
/// Longer than any access token lives; expiry itself is checked on every use.
const REMEMBERED_FOR: Duration = Duration::from_mins(15);
/// Clocks of two machines may differ by this much.
const CLOCK_SKEW_S: u64 = 5;

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not an access token of this ENT.
    #[error("the token is not valid")]
    Invalid,
    /// It was one, once.
    #[error("the token has expired")]
    Expired,
    /// This service has never been able to fetch auth's keys.
    #[error("auth's keys have not been fetched yet")]
    NoKeys,
}

/// A token that was found genuine before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It is still good.
    Valid,
    /// Its time is over.
    Over,
}

/// Checks access tokens. Cloning shares the memory of verified ones.
#[derive(Clone)]
pub struct Verifier {
    keyring: Keyring,
    clock: SharedClock,
    verified: Cache<[u8; 32], Arc<Claims>>,
    validation: Arc<Validation>,
}

impl Verifier {
    /// Checks against `keyring`.
    pub fn new(keyring: Keyring, clock: SharedClock) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Time is checked by `verify` against the injected clock, on every use and not only on the first.
        validation.validate_exp = false;
        let verified = Cache::builder().max_capacity(REMEMBERED_TOKENS).time_to_live(REMEMBERED_FOR).build();
        Self { keyring, clock, verified, validation: Arc::new(validation) }
    }

    /// What is known of a token that was found genuine here before; for counts, since it costs no signature.
    pub fn seen(&self, token: &str) -> Option<Seen> {
        let claims = self.verified.get(&digest(token))?;
        Some(if self.is_over(&claims) { Seen::Over } else { Seen::Valid })
    }

    fn is_over(&self, claims: &Claims) -> bool {
        claims.exp + CLOCK_SKEW_S <= self.clock.unix_seconds()
    }

    /// The claims of a token that is valid now.
    pub fn verify(&self, token: &str) -> Result<Arc<Claims>, Refusal> {
        let digest = digest(token);
        let claims = if let Some(claims) = self.verified.get(&digest) {
            claims
        } else {
            let claims = Arc::new(self.check_signature(token)?);
            self.verified.insert(digest, claims.clone());
            claims
        };
        if self.is_over(&claims) {
            return Err(Refusal::Expired);
        }
        Ok(claims)
    }

    fn check_signature(&self, token: &str) -> Result<Claims, Refusal> {
        let header = decode_header(token).map_err(|_| Refusal::Invalid)?;
        if header.typ.as_deref() != Some(ACCESS_TOKEN_TYPE) || header.alg != Algorithm::EdDSA {
            return Err(Refusal::Invalid);
        }
        let kid = header.kid.ok_or(Refusal::Invalid)?;
        let Some(key) = self.keyring.get(&kid) else {
            return Err(if self.keyring.is_empty() { Refusal::NoKeys } else { Refusal::Invalid });
        };
        decode(token, &key, &self.validation).map(|data| data.claims).map_err(|_| Refusal::Invalid)
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Signs an access token.
pub fn sign(claims: &Claims, key: &SigningKeyFile) -> Result<String, Invalid> {
    sign_as(ACCESS_TOKEN_TYPE, claims, &key.kid, &key.encoding)
}

/// Signs any token with an explicit type, so that none passes for another.
pub(crate) fn sign_as(
    typ: &str,
    claims: &impl serde::Serialize,
    kid: &str,
    key: &EncodingKey,
) -> Result<String, Invalid> {
    let header =
        Header { typ: Some(typ.to_owned()), kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
    encode(&header, claims, key)
        .map_err(|error| Invalid::new(format!("a token could not be signed: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Profile;
    use crate::keys::{generate_signing_key, read_signing_key};
    use crate::session::Jwks;
    use crate::testing::ManualClock;
    use uuid::Uuid;

    fn key() -> SigningKeyFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), generate_signing_key("k1").private_jwk).unwrap();
        read_signing_key(file.path(), Profile::Test).unwrap()
    }

    fn claims(clock: &ManualClock) -> Claims {
        let now = crate::clock::Clock::unix_seconds(clock);
        Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: Uuid::nil(),
            sid: Uuid::nil(),
            ep: 0,
            mem: vec![],
            auth_time: now,
            amr: vec!["pwd".to_owned()],
            dev_since: now,
            deg: false,
            iat: now,
            exp: now + 600,
        }
    }

    fn verifier(key: &SigningKeyFile, clock: &ManualClock) -> Verifier {
        Verifier::new(Keyring::of(&Jwks { keys: vec![key.public.clone()] }), Arc::new(clock.clone()))
    }

    #[test]
    fn a_token_is_accepted_until_it_expires_also_from_memory() {
        let (key, clock) = (key(), ManualClock::default());
        let token = sign(&claims(&clock), &key).unwrap();
        let verifier = verifier(&key, &clock);
        assert!(verifier.verify(&token).is_ok());
        assert!(verifier.verify(&token).is_ok());
        clock.advance(Duration::from_secs(606));
        assert_eq!(verifier.verify(&token), Err(Refusal::Expired));
    }

    #[test]
    fn foreign_forged_and_mistyped_tokens_are_refused() {
        let (ours, theirs, clock) = (key(), key(), ManualClock::default());
        let verifier = verifier(&ours, &clock);
        let good = sign(&claims(&clock), &ours).unwrap();
        let wrong_audience = Claims { aud: "elsewhere".to_owned(), ..claims(&clock) };
        let wrong_issuer = Claims { iss: "elsewhere".to_owned(), ..claims(&clock) };
        let mut none = good.split('.').map(str::to_owned).collect::<Vec<_>>();
        none[0] = {
            use base64::Engine;
            base64::engine::general_purpose::URL_SAFE_NO_PAD
                .encode(r#"{"alg":"none","typ":"at+jwt","kid":"k1"}"#)
        };
        for (what, token) in [
            ("another key under our kid", sign(&claims(&clock), &theirs).unwrap()),
            ("another type", sign_as("JWT", &claims(&clock), "k1", &ours.encoding).unwrap()),
            ("unknown kid", sign_as("at+jwt", &claims(&clock), "k2", &ours.encoding).unwrap()),
            ("wrong audience", sign(&wrong_audience, &ours).unwrap()),
            ("wrong issuer", sign(&wrong_issuer, &ours).unwrap()),
            ("algorithm none", none.join(".")),
            ("cut off", good[..good.len() - 4].to_owned()),
            ("nothing", String::new()),
        ] {
            assert_eq!(verifier.verify(&token), Err(Refusal::Invalid), "{what}");
        }
        assert!(verifier.verify(&good).is_ok());
    }
}
