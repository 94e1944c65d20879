//! Settles how services prove to each other who they are: tokens of 60 seconds that name one audience, signed with each service's own key.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, web};
use garde::Validate;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::{Deserialize, Serialize};

use crate::clock::SharedClock;
use crate::config::{Invalid, Profile};
use crate::http::Problem;
use crate::keys::{SigningKeyFile, read_public_key, read_signing_key};
use crate::session::sign_as;

const TOKEN_TYPE: &str = "svc+jwt";
const LIFETIME_S: u64 = 60;
const CLOCK_SKEW_S: u64 = 5;

/// This service's key, and the keys of those it answers.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Private key file of this service.
    #[garde(skip)]
    pub key_file: PathBuf,
    /// Public key file of each sibling that may call.
    #[serde(default)]
    #[garde(skip)]
    pub trusted: BTreeMap<String, PathBuf>,
}

/// Signs as this service and knows its siblings. Cloning shares the keys.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    service: &'static str,
    key: SigningKeyFile,
    trusted: HashMap<String, DecodingKey>,
    clock: SharedClock,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceClaims {
    iss: String,
    aud: String,
    iat: u64,
    exp: u64,
}

impl Identity {
    /// Reads the key files.
    pub fn open(
        config: &Config,
        service: &'static str,
        profile: Profile,
        clock: SharedClock,
    ) -> Result<Self, Invalid> {
        let key = read_signing_key(&config.key_file, profile)?;
        let read = |(name, path): (&String, &PathBuf)| {
            let decoding = read_public_key(path, profile)?.decoding();
            let decoding = decoding.map_err(|error| Invalid::new(format!("{}: {error}", path.display())))?;
            Ok((name.clone(), decoding))
        };
        let trusted = config.trusted.iter().map(read).collect::<Result<_, Invalid>>()?;
        Ok(Self(Arc::new(Inner { service, key, trusted, clock })))
    }

    /// A token that proves to `audience` that this service calls.
    pub fn token_for(&self, audience: &str) -> Result<String, Invalid> {
        let now = self.0.clock.unix_seconds();
        let claims = ServiceClaims {
            iss: self.0.service.to_owned(),
            aud: audience.to_owned(),
            iat: now,
            exp: now + LIFETIME_S,
        };
        sign_as(TOKEN_TYPE, &claims, &self.0.key.kid, &self.0.key.encoding)
    }

    /// The sibling that signed `token` for this service, if it is one.
    fn caller_of(&self, token: &str) -> Option<String> {
        let header = decode_header(token).ok()?;
        if header.typ.as_deref() != Some(TOKEN_TYPE) || header.alg != Algorithm::EdDSA {
            return None;
        }
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[self.0.service]);
        validation.validate_exp = false;
        let now = self.0.clock.unix_seconds();
        // The issuer decides which key the signature must fit, so each candidate is tried with its own name required.
        self.0.trusted.iter().find_map(|(name, key)| {
            validation.set_issuer(&[name]);
            let claims = decode::<ServiceClaims>(token, key, &validation).ok()?.claims;
            let is_current = claims.exp + CLOCK_SKEW_S > now && claims.iat <= now + CLOCK_SKEW_S;
            let is_short = claims.exp.saturating_sub(claims.iat) <= LIFETIME_S;
            (is_current && is_short).then(|| name.clone())
        })
    }
}

/// The sibling that calls, by name; the extractor of internal routes.
#[derive(Debug, Clone)]
pub struct CallingService(pub String);

impl FromRequest for CallingService {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer "));
        let caller = request
            .app_data::<web::Data<Identity>>()
            .zip(token)
            .and_then(|(own, token)| own.caller_of(token));
        std::future::ready(caller.map(Self).ok_or_else(|| {
            let detail = "This route takes a service token that names this service as its audience.";
            Problem::new(StatusCode::UNAUTHORIZED, "service_token_required", detail)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::generate_signing_key;
    use crate::testing::ManualClock;
    use std::time::Duration;

    fn pair() -> (Identity, Identity, ManualClock, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::default();
        for name in ["auth", "courses"] {
            let key = generate_signing_key(name);
            std::fs::write(folder.path().join(name), key.private_jwk).unwrap();
            std::fs::write(folder.path().join(format!("{name}.pub")), key.public_jwk).unwrap();
        }
        let open = |own: &'static str, sibling: &str| {
            let trusted = [(sibling.to_owned(), folder.path().join(format!("{sibling}.pub")))].into();
            let config = Config { key_file: folder.path().join(own), trusted };
            Identity::open(&config, own, Profile::Test, Arc::new(clock.clone())).unwrap()
        };
        (open("auth", "courses"), open("courses", "auth"), clock, folder)
    }

    #[test]
    fn a_token_is_good_for_its_audience_and_for_a_minute() {
        let (auth, courses, clock, _folder) = pair();
        let token = courses.token_for("auth").unwrap();
        assert_eq!(auth.caller_of(&token).as_deref(), Some("courses"));
        assert_eq!(courses.caller_of(&token), None, "not its audience");
        assert_eq!(auth.caller_of(&courses.token_for("messaging").unwrap()), None, "another audience");
        clock.advance(Duration::from_secs(66));
        assert_eq!(auth.caller_of(&token), None, "expired");
    }

    #[test]
    fn nobody_can_sign_as_somebody_else() {
        let (auth, courses, clock, _folder) = pair();
        let now = crate::clock::Clock::unix_seconds(&clock);
        let claims =
            ServiceClaims { iss: "messaging".to_owned(), aud: "auth".to_owned(), iat: now, exp: now + 60 };
        let forged = sign_as(TOKEN_TYPE, &claims, "courses", &courses.0.key.encoding).unwrap();
        assert_eq!(auth.caller_of(&forged), None);
    }
}
