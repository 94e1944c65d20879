//! Settles the keys of the two persons: X25519 (RFC 7748) in a JWK (RFC 8037), the private half on no machine of the service.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use crypto_box::aead::OsRng;
use crypto_box::{PublicKey, SecretKey};
use serde::{Deserialize, Serialize};

use super::format::Reader;
use crate::config::{Invalid, Profile};
use crate::keys::{GeneratedKey, read_jwk, refuse_demo};

const CURVE: &str = "X25519";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwk {
    kty: String,
    crv: String,
    kid: String,
    x: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<String>,
}

/// What texts are sealed for.
#[derive(Clone)]
pub struct ReaderKey {
    /// Whose key it is.
    pub name: String,
    pub(super) public: PublicKey,
}

/// What sealed texts are opened with.
pub struct OpeningKey {
    /// Whose key it is.
    pub name: String,
    pub(super) secret: SecretKey,
}

/// Makes the two files of a person: the private one stays with them, offline.
pub fn generate_reader_key(name: &str) -> GeneratedKey {
    let secret = SecretKey::generate(&mut OsRng);
    let jwk = |d| Jwk {
        kty: "OKP".to_owned(),
        crv: CURVE.to_owned(),
        kid: name.to_owned(),
        x: URL_SAFE_NO_PAD.encode(secret.public_key().as_bytes()),
        d,
    };
    let private = jwk(Some(URL_SAFE_NO_PAD.encode(secret.to_bytes())));
    GeneratedKey { private_jwk: to_json(&private), public_jwk: to_json(&jwk(None)) }
}

fn to_json(key: &Jwk) -> String {
    serde_json::to_string(key).unwrap_or_default() + "\n"
}

impl ReaderKey {
    /// Reads the public file. A demo key outside the demo profile is refused, and so is a private file: it must not be here.
    pub fn read(path: &Path, profile: Profile) -> Result<Self, Invalid> {
        let jwk = read(path)?;
        refuse_demo(path, &jwk.kid, profile)?;
        if jwk.d.is_some() {
            let what = "this is a private key; name the public file here, and keep this one off this machine";
            return Err(Invalid::new(format!("{}: {what}", path.display())));
        }
        Ok(Self { name: jwk.kid, public: PublicKey::from(decode(path, &jwk.x)?) })
    }

    /// As the head of a bundle names it.
    pub fn reader(&self) -> Reader {
        Reader { name: self.name.clone(), public_key: STANDARD.encode(self.public.as_bytes()) }
    }
}

impl OpeningKey {
    /// Reads the private file.
    pub fn read(path: &Path) -> Result<Self, Invalid> {
        let jwk = read(path)?;
        let missing = || Invalid::new(format!("{}: this is a public key: it opens nothing", path.display()));
        let secret = SecretKey::from(decode(path, jwk.d.as_ref().ok_or_else(missing)?)?);
        if URL_SAFE_NO_PAD.encode(secret.public_key().as_bytes()) != jwk.x {
            return Err(Invalid::new(format!("{}: not a key pair", path.display())));
        }
        Ok(Self { name: jwk.kid, secret })
    }

    /// As the head of a bundle names it.
    pub fn reader(&self) -> Reader {
        Reader { name: self.name.clone(), public_key: STANDARD.encode(self.secret.public_key().as_bytes()) }
    }
}

fn read(path: &Path) -> Result<Jwk, Invalid> {
    let jwk: Jwk = read_jwk(path)?;
    if (jwk.kty.as_str(), jwk.crv.as_str()) == ("OKP", CURVE) {
        return Ok(jwk);
    }
    Err(Invalid::new(format!("{}: not a key for sealed texts (kty OKP, crv X25519)", path.display())))
}

fn decode(path: &Path, text: &str) -> Result<[u8; 32], Invalid> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Invalid::new(format!("{}: a key has 32 bytes", path.display())))
}
