//! Settles whether an access token is accepted, and for what: signature once, expiry and revocation every time, and no network in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, Validation, decode, decode_header, encode};
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use super::{
    ACCESS_TOKEN_TYPE, AUDIENCE, Claims, ISSUER, Keyring, LAG_LIMIT, LONGEST_TOKEN_LIFE, OVERDUE_LIMIT,
    RevocationView,
};
use crate::clock::SharedClock;
use crate::config::Invalid;
use crate::keys::SigningKeyFile;

/// Tokens remembered as verified; one is about 500 bytes.
const REMEMBERED_TOKENS: u64 = 100_000;
/// Longer than most access tokens live; expiry and revocation are checked on every use.
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
    /// This service has never been able to learn what was revoked.
    #[error("what was revoked is not known yet")]
    NoRevocations,
    /// The session, its account or a role in the token was revoked.
    #[error("the token has been revoked")]
    Revoked,
}

/// What an accepted token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Everything that its person may do.
    Full,
    /// Nothing sensitive: what was revoked lately may not be known here.
    Lagging,
    /// Nothing sensitive: auth issued it without its session store or its database.
    Degraded,
    /// Nothing sensitive: it has expired, and auth is away, so that it cannot be refreshed.
    Overdue,
}

/// A token that is accepted.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// What it says.
    pub claims: Arc<Claims>,
    /// What it is good for.
    pub standing: Standing,
}

/// A token whose signature was checked, and the version of the view that it was last compared with.
struct Verified {
    claims: Arc<Claims>,
    compared: AtomicU64,
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
    revoked: RevocationView,
    accepts_overdue: bool,
    is_ablated: bool,
    clock: SharedClock,
    verified: Cache<[u8; 32], Arc<Verified>>,
    validation: Arc<Validation>,
}

impl Verifier {
    /// Checks against `keyring` and `revoked`.
    pub fn new(keyring: Keyring, revoked: RevocationView, clock: SharedClock) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Time is checked by `verify` against the injected clock, on every use and not only on the first.
        validation.validate_exp = false;
        let verified = Cache::builder().max_capacity(REMEMBERED_TOKENS).time_to_live(REMEMBERED_FOR).build();
        Self {
            keyring,
            revoked,
            accepts_overdue: false,
            is_ablated: false,
            clock,
            verified,
            validation: Arc::new(validation),
        }
    }

    /// While auth is away nobody can refresh: tokens are good for what is not sensitive for another hour.
    #[must_use]
    pub fn accepting_overdue(self) -> Self {
        Self { accepts_overdue: true, ..self }
    }

    /// Lets in what was revoked until it expires: what proofs compare with.
    #[must_use]
    pub fn ablated(self, is_ablated: bool) -> Self {
        Self { is_ablated, ..self }
    }

    /// What is known of a token that was found genuine here before; for counts, since it costs no signature.
    pub fn seen(&self, token: &str) -> Option<Seen> {
        let verified = self.verified.get(&digest(token))?;
        Some(if self.standing(&verified.claims).is_ok() { Seen::Valid } else { Seen::Over })
    }

    /// What a token that is valid now says, and what it is good for.
    pub fn verify(&self, token: &str) -> Result<Accepted, Refusal> {
        let digest = digest(token);
        let verified = if let Some(verified) = self.verified.get(&digest) {
            verified
        } else {
            let claims = Arc::new(self.check_signature(token)?);
            let verified = Arc::new(Verified { claims, compared: AtomicU64::new(u64::MAX) });
            self.verified.insert(digest, verified.clone());
            verified
        };
        let standing = self.standing(&verified.claims)?;
        self.refuse_revoked(&verified)?;
        Ok(Accepted { claims: verified.claims.clone(), standing })
    }

    /// Whether what a token said when it was accepted still holds; for what outlives the request that brought the token.
    pub fn still_accepts(&self, claims: &Claims) -> Result<(), Refusal> {
        self.standing(claims)?;
        let is_revoked = self.revoked.refuses(claims) && !self.is_ablated;
        if is_revoked { Err(Refusal::Revoked) } else { Ok(()) }
    }

    /// Changes whenever a revocation is learned: until then, nobody has been refused who was accepted before.
    pub fn version(&self) -> u64 {
        self.revoked.version()
    }

    fn standing(&self, claims: &Claims) -> Result<Standing, Refusal> {
        let overdue_s = (self.clock.unix_seconds() + 1).saturating_sub(claims.exp + CLOCK_SKEW_S);
        if overdue_s > 0 {
            let is_bridged = self.accepts_overdue && self.revoked.silence() > LAG_LIMIT;
            let is_within = overdue_s <= OVERDUE_LIMIT.as_secs();
            return if is_bridged && is_within { Ok(Standing::Overdue) } else { Err(Refusal::Expired) };
        }
        if claims.deg {
            return Ok(Standing::Degraded);
        }
        Ok(if self.revoked.is_lagging() { Standing::Lagging } else { Standing::Full })
    }

    /// Compares with the view only when that has changed since the last time: most requests cost one load of a number.
    fn refuse_revoked(&self, verified: &Verified) -> Result<(), Refusal> {
        let version = self.revoked.version();
        if verified.compared.load(Ordering::Acquire) == version {
            return Ok(());
        }
        if !self.revoked.is_known() {
            return Err(Refusal::NoRevocations);
        }
        if self.revoked.refuses(&verified.claims) && !self.is_ablated {
            return Err(Refusal::Revoked);
        }
        verified.compared.store(version, Ordering::Release);
        Ok(())
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
        let claims = decode::<Claims>(token, &key, &self.validation).map_err(|_| Refusal::Invalid)?.claims;
        // A token that lives longer could outlive the memory of its revocation.
        let is_short = claims.exp.saturating_sub(claims.iat) <= LONGEST_TOKEN_LIFE.as_secs();
        if is_short { Ok(claims) } else { Err(Refusal::Invalid) }
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
mod tests;
