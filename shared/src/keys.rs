//! Settles what key files look like (JWK, RFC 7517/8037), how they are made, and that demo keys stay in the demo.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{SigningKey, VerifyingKey};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};

use crate::config::{Invalid, Profile};
use crate::ids;

/// Key ids of generated demo installations begin with this.
pub const DEMO_KID_PREFIX: &str = "demo-";

/// DER of PKCS#8 v1 (RFC 8410, 7) up to the 32 secret bytes of an Ed25519 key.
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// A public Ed25519 key as siblings and JWKS carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicJwk {
    /// Key type: always `OKP`.
    pub kty: String,
    /// Curve: always `Ed25519`.
    pub crv: String,
    /// Name of the key.
    pub kid: String,
    /// Base64url of the 32 public bytes.
    pub x: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrivateJwk {
    kty: String,
    crv: String,
    kid: String,
    x: String,
    d: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretJwk {
    kty: String,
    kid: String,
    k: String,
}

/// The two files of a new signing key.
#[derive(Debug, Clone)]
pub struct GeneratedKey {
    /// Content of the private file (mode 0600).
    pub private_jwk: String,
    /// Content of the file that others get.
    pub public_jwk: String,
}

/// Makes an Ed25519 key pair named `kid`.
pub fn generate_signing_key(kid: &str) -> GeneratedKey {
    let seed: [u8; 32] = ids::random_bytes();
    let x = URL_SAFE_NO_PAD.encode(SigningKey::from_bytes(&seed).verifying_key().as_bytes());
    let (kty, crv, kid) = ("OKP".to_owned(), "Ed25519".to_owned(), kid.to_owned());
    let private = PrivateJwk {
        kty: kty.clone(),
        crv: crv.clone(),
        kid: kid.clone(),
        x: x.clone(),
        d: URL_SAFE_NO_PAD.encode(seed),
    };
    GeneratedKey { private_jwk: to_json(&private), public_jwk: to_json(&PublicJwk { kty, crv, kid, x }) }
}

/// Makes a 256-bit symmetric key (JWK type `oct`) named `kid`.
pub fn generate_secret(kid: &str) -> String {
    let k = URL_SAFE_NO_PAD.encode(ids::random_bytes::<32>());
    to_json(&SecretJwk { kty: "oct".to_owned(), kid: kid.to_owned(), k })
}

fn to_json(key: &impl Serialize) -> String {
    serde_json::to_string(key).unwrap_or_default() + "\n"
}

/// A private key that signs tokens.
pub struct SigningKeyFile {
    /// Name of the key, as token headers carry it.
    pub kid: String,
    /// The signer.
    pub encoding: EncodingKey,
    /// The public half.
    pub public: PublicJwk,
}

/// Reads a private key file, to sign tokens. A demo key outside the demo profile is refused.
pub fn read_signing_key(path: &Path, profile: Profile) -> Result<SigningKeyFile, Invalid> {
    let (key, public) = read_key_pair(path, profile)?;
    let der = [PKCS8_PREFIX.as_slice(), key.as_bytes().as_slice()].concat();
    Ok(SigningKeyFile { kid: public.kid.clone(), encoding: EncodingKey::from_ed_der(&der), public })
}

/// Reads a private key file, to sign what is no token. A demo key outside the demo profile is refused.
pub fn read_ed25519_key(path: &Path, profile: Profile) -> Result<SigningKey, Invalid> {
    Ok(read_key_pair(path, profile)?.0)
}

fn read_key_pair(path: &Path, profile: Profile) -> Result<(SigningKey, PublicJwk), Invalid> {
    let jwk: PrivateJwk = read_jwk(path)?;
    refuse_demo(path, &jwk.kid, profile)?;
    let key = SigningKey::from_bytes(&decode_32(path, &jwk.d)?);
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    if (jwk.kty.as_str(), jwk.crv.as_str(), jwk.x) != ("OKP", "Ed25519", x.clone()) {
        return Err(Invalid::new(format!("{}: not an Ed25519 key pair", path.display())));
    }
    Ok((key, PublicJwk { kty: jwk.kty, crv: jwk.crv, kid: jwk.kid, x }))
}

/// Reads a public key file. A demo key outside the demo profile is refused.
pub fn read_public_key(path: &Path, profile: Profile) -> Result<PublicJwk, Invalid> {
    let jwk: PublicJwk = read_jwk(path)?;
    refuse_demo(path, &jwk.kid, profile)?;
    jwk.decoding().map_err(|_| Invalid::new(format!("{}: not an Ed25519 public key", path.display())))?;
    Ok(jwk)
}

/// Reads a symmetric key file (32 bytes). A demo key outside the demo profile is refused.
pub fn read_secret(path: &Path, profile: Profile) -> Result<[u8; 32], Invalid> {
    let jwk: SecretJwk = read_jwk(path)?;
    refuse_demo(path, &jwk.kid, profile)?;
    decode_32(path, &jwk.k)
}

impl PublicJwk {
    /// The verifier; fails unless this is an Ed25519 key.
    pub fn decoding(&self) -> Result<DecodingKey, jsonwebtoken::errors::Error> {
        if self.kty != "OKP" || self.crv != "Ed25519" {
            return Err(jsonwebtoken::errors::ErrorKind::InvalidKeyFormat.into());
        }
        DecodingKey::from_ed_components(&self.x)
    }

    /// The verifier of what is no token. `None` unless this is an Ed25519 key.
    pub fn ed25519(&self) -> Option<VerifyingKey> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(&self.x).ok()?.try_into().ok()?;
        VerifyingKey::from_bytes(&bytes).ok().filter(|_| self.kty == "OKP" && self.crv == "Ed25519")
    }
}

pub(crate) fn read_jwk<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Invalid> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Invalid::new(format!("cannot read key file {}: {error}", path.display())))?;
    // The parser's own message could quote key material, so it is not passed on.
    serde_json::from_str(&text)
        .map_err(|_| Invalid::new(format!("{} is not a key file of the expected kind", path.display())))
}

pub(crate) fn refuse_demo(path: &Path, kid: &str, profile: Profile) -> Result<(), Invalid> {
    if kid.starts_with(DEMO_KID_PREFIX) && !profile.accepts_demo() {
        return Err(Invalid::new(format!(
            "{} is a demo key ({kid}) and profile is {profile}: make a key with `generate-key` and name it here",
            path.display()
        )));
    }
    Ok(())
}

fn decode_32(path: &Path, text: &str) -> Result<[u8; 32], Invalid> {
    URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .ok_or_else(|| Invalid::new(format!("{}: the key must be 32 bytes of base64url", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    }

    #[test]
    fn a_generated_pair_reads_back() {
        let key = generate_signing_key("k1");
        let private = read_signing_key(file(&key.private_jwk).path(), Profile::Production).unwrap();
        let public = read_public_key(file(&key.public_jwk).path(), Profile::Production).unwrap();
        assert_eq!(private.public, public);
    }

    #[test]
    fn demo_keys_are_refused_in_production_and_accepted_in_the_demo() {
        let secret = file(&generate_secret("demo-1"));
        assert!(read_secret(secret.path(), Profile::Demo).is_ok());
        let message = read_secret(secret.path(), Profile::Production).unwrap_err().to_string();
        assert!(message.contains("demo key"), "{message}");
    }

    #[test]
    fn a_mixed_up_pair_is_refused() {
        let (a, b) = (generate_signing_key("a"), generate_signing_key("b"));
        let x = |text: &str| serde_json::from_str::<PublicJwk>(text).unwrap().x;
        let mixed = a.private_jwk.replace(&x(&a.public_jwk), &x(&b.public_jwk));
        assert!(read_signing_key(file(&mixed).path(), Profile::Production).is_err());
    }
}
