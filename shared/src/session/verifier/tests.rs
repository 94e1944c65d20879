//! Settles which tokens are accepted, which are refused, and what an accepted one is good for.

use super::*;
use crate::config::Profile;
use crate::keys::{generate_signing_key, read_signing_key};
use crate::session::{Jwks, Membership, News, Revocation, Role, Scope};
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

/// A verifier, and its view, which has just heard that nothing was revoked.
fn verifier(key: &SigningKeyFile, clock: &ManualClock) -> (Verifier, RevocationView) {
    let view = RevocationView::new(Arc::new(clock.clone()));
    tell(&view, &[]);
    let keyring = Keyring::of(&Jwks { keys: vec![key.public.clone()] });
    (Verifier::new(keyring, view.clone(), Arc::new(clock.clone())), view)
}

/// What auth says now: these revocations, and nothing after them.
fn tell(view: &RevocationView, scopes: &[(Scope, i64)]) {
    let after = view.applied();
    let revocations = scopes.iter().map(|&(scope, epoch)| Revocation { scope, epoch }).collect();
    let upto = scopes.iter().map(|(_, epoch)| *epoch).fold(after, i64::max);
    view.learn(&News { after, upto, published: upto, revocations }, view.now_ms());
}

fn refusal(verifier: &Verifier, token: &str) -> Option<Refusal> {
    verifier.verify(token).err()
}

fn standing(verifier: &Verifier, token: &str) -> Standing {
    verifier.verify(token).unwrap().standing
}

#[test]
fn a_token_is_accepted_until_it_expires_also_from_memory() {
    let (key, clock) = (key(), ManualClock::default());
    let token = sign(&claims(&clock), &key).unwrap();
    let (verifier, _) = verifier(&key, &clock);
    assert!(verifier.verify(&token).is_ok());
    assert!(verifier.verify(&token).is_ok());
    clock.advance(Duration::from_secs(606));
    assert_eq!(refusal(&verifier, &token), Some(Refusal::Expired));
}

#[test]
fn foreign_forged_and_mistyped_tokens_are_refused() {
    let (ours, theirs, clock) = (key(), key(), ManualClock::default());
    let (verifier, _) = verifier(&ours, &clock);
    let good = sign(&claims(&clock), &ours).unwrap();
    let long_lived = Claims { exp: claims(&clock).exp + 3_600, ..claims(&clock) };
    let wrong_audience = Claims { aud: "elsewhere".to_owned(), ..claims(&clock) };
    let wrong_issuer = Claims { iss: "elsewhere".to_owned(), ..claims(&clock) };
    let mut none = good.split('.').map(str::to_owned).collect::<Vec<_>>();
    none[0] = {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt","kid":"k1"}"#)
    };
    for (what, token) in [
        ("another key under our kid", sign(&claims(&clock), &theirs).unwrap()),
        ("another type", sign_as("JWT", &claims(&clock), "k1", &ours.encoding).unwrap()),
        ("unknown kid", sign_as("at+jwt", &claims(&clock), "k2", &ours.encoding).unwrap()),
        ("wrong audience", sign(&wrong_audience, &ours).unwrap()),
        ("wrong issuer", sign(&wrong_issuer, &ours).unwrap()),
        ("too long a life", sign(&long_lived, &ours).unwrap()),
        ("algorithm none", none.join(".")),
        ("cut off", good[..good.len() - 4].to_owned()),
        ("nothing", String::new()),
    ] {
        assert_eq!(refusal(&verifier, &token), Some(Refusal::Invalid), "{what}");
    }
    assert!(verifier.verify(&good).is_ok());
}

#[test]
fn what_is_revoked_is_refused_at_its_next_use_and_what_was_issued_after_it_is_not() {
    let (key, clock) = (key(), ManualClock::default());
    let (school, role) = (Uuid::from_u128(0xa1), Role::Teacher);
    let carrying = |ep, epoch| {
        let mem = vec![Membership { school, role, epoch }];
        sign(&Claims { ep, mem, ..claims(&clock) }, &key).unwrap()
    };
    let person = Uuid::nil();
    for scope in [
        Scope::Account { person },
        Scope::Membership { school, person, role },
        Scope::Role { school, role },
        Scope::School { school },
    ] {
        let (verifier, view) = verifier(&key, &clock);
        let (before, after) = (carrying(4, 4), carrying(5, 5));
        assert_eq!(refusal(&verifier, &before), None, "{scope:?}");
        tell(&view, &[(scope, 5)]);
        assert_eq!(refusal(&verifier, &before), Some(Refusal::Revoked), "{scope:?}");
        assert_eq!(refusal(&verifier, &after), None, "{scope:?}");
        tell(&view, &[(scope, 3)]);
        assert_eq!(refusal(&verifier, &before), Some(Refusal::Revoked), "older news never lower: {scope:?}");
    }
    let (verifier, view) = verifier(&key, &clock);
    tell(&view, &[(Scope::School { school: person }, 9), (Scope::Role { school, role: Role::Student }, 10)]);
    assert_eq!(refusal(&verifier, &carrying(4, 4)), None, "another school, another role");
    tell(&view, &[(Scope::Session { sid: Uuid::nil() }, 11)]);
    assert_eq!(refusal(&verifier, &carrying(99, 99)), Some(Refusal::Revoked), "a session never comes back");
}

#[test]
fn without_revocations_what_was_ended_is_let_in_until_it_expires() {
    let (key, clock) = (key(), ManualClock::default());
    let (verifier, view) = verifier(&key, &clock);
    let verifier = verifier.ablated(true);
    let token = sign(&claims(&clock), &key).unwrap();
    tell(&view, &[(Scope::Account { person: Uuid::nil() }, 9_000)]);
    assert_eq!(refusal(&verifier, &token), None);
    clock.advance(Duration::from_mins(11));
    assert_eq!(refusal(&verifier, &token), Some(Refusal::Expired));
}

#[test]
fn nobody_is_let_in_before_anything_was_heard_of_revocations() {
    let (key, clock) = (key(), ManualClock::default());
    let view = RevocationView::new(Arc::new(clock.clone()));
    let keyring = Keyring::of(&Jwks { keys: vec![key.public.clone()] });
    let verifier = Verifier::new(keyring, view.clone(), Arc::new(clock.clone()));
    let token = sign(&claims(&clock), &key).unwrap();
    assert_eq!(refusal(&verifier, &token), Some(Refusal::NoRevocations));
    view.recall(&News { after: 0, upto: 0, published: 0, revocations: vec![] });
    assert_eq!(standing(&verifier, &token), Standing::Lagging, "a copy proves nothing about now");
    tell(&view, &[]);
    assert_eq!(standing(&verifier, &token), Standing::Full);
}

#[test]
fn what_a_token_is_good_for_follows_the_lag_and_the_silence_of_auth() {
    let (key, clock) = (key(), ManualClock::default());
    let token = sign(&claims(&clock), &key).unwrap();
    let degraded = sign(&Claims { deg: true, ..claims(&clock) }, &key).unwrap();
    let (own, view) = verifier(&key, &clock);
    let sibling = own.clone().accepting_overdue();
    assert_eq!(standing(&sibling, &token), Standing::Full);
    assert_eq!(standing(&sibling, &degraded), Standing::Degraded);
    clock.advance(Duration::from_secs(5));
    assert_eq!(standing(&sibling, &token), Standing::Full, "5 s are normal");
    clock.advance(Duration::from_secs(1));
    assert_eq!(standing(&sibling, &token), Standing::Lagging);
    tell(&view, &[]);
    assert_eq!(standing(&sibling, &token), Standing::Full);
    clock.advance(Duration::from_mins(10));
    assert_eq!(standing(&sibling, &token), Standing::Overdue);
    assert_eq!(refusal(&own, &token), Some(Refusal::Expired), "auth itself is never away");
    view.heard_of_auth(view.now_ms());
    assert_eq!(refusal(&sibling, &token), Some(Refusal::Expired), "auth is there: refresh");
    clock.advance(Duration::from_hours(1));
    assert_eq!(refusal(&sibling, &token), Some(Refusal::Expired), "an hour and no longer");
}
