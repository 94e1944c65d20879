//! Settles the keys of a test: one access-token key, one key per service, secrets, all in a temporary folder.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::clock::{Clock, SystemClock};
use crate::config::Profile;
use crate::keys::{self, SigningKeyFile};
use crate::session::{AUDIENCE, Claims, ISSUER, Jwks, Membership, News, Role, sign};

/// Key files for services under test.
pub struct TestKeys {
    folder: TempDir,
    access: SigningKeyFile,
}

/// How long the devices of people in tests have been known, in seconds.
const KNOWN_FOR_S: u64 = 30 * 86_400;

const SERVICES: [&str; 3] = ["auth", "courses", "messaging"];

impl TestKeys {
    /// Demo keys, as `ent up` makes them.
    pub fn generate() -> Self {
        Self::generate_as("demo")
    }

    /// Keys whose ids begin with `kind`.
    pub fn generate_as(kind: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, content: &str| {
            std::fs::write(folder.path().join(name), content).expect("a key file");
        };
        for service in SERVICES {
            let key = keys::generate_signing_key(&format!("{kind}-{service}"));
            write(service, &key.private_jwk);
            write(&format!("{service}.pub"), &key.public_jwk);
        }
        write("access", &keys::generate_signing_key(&format!("{kind}-access")).private_jwk);
        write("refresh", &keys::generate_secret(&format!("{kind}-refresh")));
        write("authenticators", &keys::generate_secret(&format!("{kind}-authenticators")));
        let access = keys::read_signing_key(&folder.path().join("access"), Profile::Test).expect("a key");
        let jwks = Jwks { keys: vec![access.public.clone()] };
        write("jwks", &serde_json::to_string(&jwks).expect("a key set"));
        let nothing = News { after: 0, upto: 0, published: 0, revocations: vec![] };
        write("revocations", &serde_json::to_string(&nothing).expect("news"));
        Self { folder, access }
    }

    /// A key file by name: `access`, `refresh`, `authenticators`, `jwks`, `revocations` (none), a service, or `<service>.pub`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The `service_identity` section for `service`, trusting the other two.
    pub fn identity(&self, service: &str) -> Value {
        let others = SERVICES.iter().filter(|other| **other != service);
        let trusted: serde_json::Map<String, Value> =
            others.map(|other| ((*other).to_owned(), json!(self.file(&format!("{other}.pub"))))).collect();
        json!({ "key_file": self.file(service), "trusted": trusted })
    }

    /// The public half of the access-token key, as auth publishes it.
    pub fn jwks(&self) -> Jwks {
        Jwks { keys: vec![self.access.public.clone()] }
    }

    /// An access token for a person with these roles, good for ten minutes.
    pub fn token(&self, person: Uuid, roles: &[(Uuid, Role)]) -> String {
        self.token_at(&SystemClock, person, roles)
    }

    /// The same of somebody who has just given a one-time code as well.
    pub fn proved_token(&self, person: Uuid, roles: &[(Uuid, Role)]) -> String {
        self.token_with(&SystemClock, person, roles, |claims| claims.amr.push("otp".to_owned()))
    }

    /// The same by the time of `clock`.
    pub fn token_at(&self, clock: &dyn Clock, person: Uuid, roles: &[(Uuid, Role)]) -> String {
        self.token_with(clock, person, roles, |_| {})
    }

    /// The same with some claims changed. Without a change the device has been known for a month.
    pub fn token_with(
        &self,
        clock: &dyn Clock,
        person: Uuid,
        roles: &[(Uuid, Role)],
        change: impl FnOnce(&mut Claims),
    ) -> String {
        let now = clock.unix_seconds();
        let mut claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: person,
            sid: Uuid::from_bytes(crate::ids::random_bytes()),
            ep: 0,
            mem: roles.iter().map(|&(school, role)| Membership { school, role, epoch: 0 }).collect(),
            auth_time: now,
            amr: vec!["pwd".to_owned()],
            dev_since: now - KNOWN_FOR_S,
            deg: false,
            iat: now,
            exp: now + 600,
        };
        change(&mut claims);
        sign(&claims, &self.access).expect("a token")
    }
}
