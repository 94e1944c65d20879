//! Settles the front door's certificate: an authority made for this installation only, whose key is thrown away.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::clock;
use crate::layout::{Layout, write_file};

/// Services recognise demo certificates by this name and refuse them outside the demo.
pub(crate) const ORGANISATION: &str = "ENT demo - do not trust";
const DAY: Duration = Duration::from_hours(24);
/// Days that authority and certificate are valid. Browsers refuse more than 825 from authorities that people add.
const VALID_DAYS: u32 = 800;
/// Age at which both are made anew.
const RENEW_AFTER_DAYS: u32 = 400;

/// Makes authority and certificate when they are missing or old.
pub(crate) fn ensure(layout: &Layout) -> Result<()> {
    let (authority, leaf, pem) = paths(layout);
    if [&authority, &leaf, &pem].iter().all(|path| is_current(path)) {
        return Ok(());
    }
    let files = generate().context("cannot make the demo certificate")?;
    // People give the authority to `curl --cacert`; only the last file holds a secret.
    write_file(&authority, &files.authority, 0o644)?;
    write_file(&leaf, &files.certificate, 0o644)?;
    write_file(&pem, format!("{}{}", files.certificate, files.private_key), 0o600)
}

/// Authority, certificate, and certificate with key.
fn paths(layout: &Layout) -> (std::path::PathBuf, std::path::PathBuf, std::path::PathBuf) {
    let folder = layout.path("tls");
    (folder.join("ca.crt"), folder.join("front-door.crt"), folder.join("front-door.pem"))
}

fn is_current(path: &Path) -> bool {
    let age = std::fs::metadata(path).and_then(|file| file.modified()).ok();
    age.and_then(|made| made.elapsed().ok()).is_some_and(|age| age < DAY * RENEW_AFTER_DAYS)
}

struct Files {
    authority: String,
    certificate: String,
    private_key: String,
}

/// The authority signs this one certificate; its key is never written, so nobody who trusts it can be fooled with it.
fn generate() -> Result<Files> {
    let authority_key = KeyPair::generate()?;
    let mut authority = parameters(Vec::new(), "ENT demo authority")?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_certificate = authority.self_signed(&authority_key)?;

    let key = KeyPair::generate()?;
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let mut leaf = parameters(names, "localhost")?;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let certificate = leaf.signed_by(&key, &Issuer::new(authority, authority_key))?;
    Ok(Files {
        authority: authority_certificate.pem(),
        certificate: certificate.pem(),
        private_key: key.serialize_pem(),
    })
}

fn parameters(names: Vec<String>, common_name: &str) -> Result<CertificateParams> {
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name.push(DnType::OrganizationName, ORGANISATION);
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    // A day back, for clocks that differ a little.
    let now = SystemTime::from(clock::wall());
    parameters.not_before = (now - DAY).into();
    parameters.not_after = (now + DAY * VALID_DAYS).into();
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificate_and_authority_are_two_and_marked() {
        let files = generate().unwrap();
        assert_ne!(files.authority, files.certificate);
        assert!(files.private_key.contains("PRIVATE KEY"));
        let authority = pem_bytes(&files.authority);
        let leaf = pem_bytes(&files.certificate);
        for certificate in [&authority, &leaf] {
            assert!(certificate.windows(ORGANISATION.len()).any(|window| window == ORGANISATION.as_bytes()));
        }
        assert!(leaf.windows(9).any(|window| window == b"localhost"));
    }

    fn pem_bytes(pem: &str) -> Vec<u8> {
        use base64::Engine;
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        base64::engine::general_purpose::STANDARD.decode(body).unwrap()
    }
}
