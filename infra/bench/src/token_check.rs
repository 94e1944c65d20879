//! Settles what it costs to know who asks: a token that was seen before, and one that was not.
//!
//! A repetition is compared with the least that any memory of tokens must do (hash the token, look it up), a first time with
//! jsonwebtoken alone, which checks the same signature, issuer and audience into the same claims.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use sha2::{Digest, Sha256};
use shared::clock::system_clock;
use shared::session::{AUDIENCE, Claims, ISSUER, Keyring, News, RevocationView, Role, Verifier};
use shared::testing::TestKeys;
use uuid::Uuid;

use crate::harness::{Contender, Plan};
use crate::report::{Comparison, Measure};

/// Beside the bare look-up: expiry and revocation, which are checked on every use.
const AIM_SEEN: f64 = 1.3;
/// Beside the bare check: the look-up before and the insertion after.
const AIM_NEW: f64 = 1.1;
/// Tokens in use at the same time, in no order.
const TOKENS: usize = 2_000;
/// Calls of each round; a signature takes a hundred times as long as a look-up.
const CALLS_SEEN: u64 = 10_000;
const CALLS_NEW: u64 = 100;

/// A token seen before, and one never seen.
pub fn run() -> Result<Vec<Comparison>> {
    let keys = TestKeys::generate();
    let roles = [(Uuid::from_u128(1), Role::Teacher), (Uuid::from_u128(2), Role::Guardian)];
    let tokens: Vec<String> = (0..TOKENS).map(|_| keys.token(random(), &roles)).collect();
    let jwk = keys.jwks().keys.into_iter().next().context("a key")?;
    let bare = Bare { key: jwk.decoding()?, validation: validation() };
    ensure!(bare.check(tokens.first().context("a token")?), "the peer accepts the token");
    Ok(vec![seen(&keys, &tokens), new(&keys, &tokens, &bare)])
}

fn seen(keys: &TestKeys, tokens: &[String]) -> Comparison {
    let ours = verifier(keys);
    let memory = moka::sync::Cache::<[u8; 32], Arc<Claims>>::new(100_000);
    for token in tokens {
        if let Ok(claims) = ours.verify(token) {
            memory.insert(Sha256::digest(token).into(), claims.claims);
        }
    }
    let contenders = [
        Contender::new("ours", |calls| {
            for token in presented(tokens, calls) {
                black_box(ours.verify(black_box(token)).is_ok());
            }
        }),
        Contender::new("SHA-256 (sha2 0.11), then moka 0.12", |calls| {
            for token in presented(tokens, calls) {
                let digest: [u8; 32] = Sha256::digest(black_box(token)).into();
                black_box(memory.get(&digest).is_some());
            }
        }),
    ];
    let figures = Plan::computing(CALLS_SEEN).measure(&contenders);
    Comparison::new(("token-check", "seen before"), Measure::Cost, figures, AIM_SEEN)
}

fn new(keys: &TestKeys, tokens: &[String], bare: &Bare) -> Comparison {
    let contenders = [
        Contender::new("ours", |calls| {
            // A memory that has seen nothing; its making is not a call's cost, and takes about a hundredth of the round.
            let ours = verifier(keys);
            for token in presented(tokens, calls) {
                black_box(ours.verify(black_box(token)).is_ok());
            }
        }),
        Contender::new("jsonwebtoken 11.1", |calls| {
            for token in presented(tokens, calls) {
                black_box(bare.check(black_box(token)));
            }
        }),
    ];
    let figures = Plan::computing(CALLS_NEW).measure(&contenders);
    Comparison::new(("token-check", "never seen"), Measure::Cost, figures, AIM_NEW)
}

struct Bare {
    key: DecodingKey,
    validation: Validation,
}

impl Bare {
    fn check(&self, token: &str) -> bool {
        decode::<Claims>(token, &self.key, &self.validation).is_ok()
    }
}

fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation
}

fn verifier(keys: &TestKeys) -> Verifier {
    let revoked = RevocationView::new(system_clock());
    revoked.learn(&News { after: 0, upto: 0, published: 0, revocations: vec![] }, revoked.now_ms());
    Verifier::new(Keyring::of(&keys.jwks()), revoked, system_clock())
}

fn random() -> Uuid {
    Uuid::from_bytes(shared::ids::random_bytes())
}

fn presented(tokens: &[String], calls: u64) -> impl Iterator<Item = &String> {
    tokens.iter().cycle().take(usize::try_from(calls).unwrap_or(usize::MAX))
}
