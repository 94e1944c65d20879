//! Settles which keys the services of this installation sign with, all of them marked as demo keys.

use std::path::{Path, PathBuf};

use anyhow::Result;
use shared::evidence::generate_reader_key;
use shared::keys::{generate_secret, generate_signing_key};

use crate::layout::{Layout, write_file};

/// Makes the keys that are missing; a pair is made whole, so that no half of it is ever left from an older one.
pub(crate) fn ensure(layout: &Layout, services: &[&str]) -> Result<()> {
    for service in services {
        ensure_pair(&service_private(layout, service), Some(&service_public(layout, service)), service)?;
        let audit = format!("{service}-audit");
        ensure_pair(&audit_private(layout, service), Some(&audit_public(layout, service)), &audit)?;
    }
    for reader in READERS {
        ensure_reader(layout, reader)?;
    }
    ensure_pair(&access_token(layout), None, "access-token")?;
    ensure_secret(&refresh_handle(layout), "refresh-handle")?;
    ensure_secret(&authenticators(layout), "authenticators")
}

/// The two persons of the demo who open evidence. In earnest they make their keys themselves, on other machines.
pub(crate) const READERS: [&str; 2] = ["rectorate", "school"];

fn ensure_reader(layout: &Layout, reader: &str) -> Result<()> {
    let (private, public) = (reader_private(layout, reader), reader_public(layout, reader));
    if private.is_file() && public.is_file() {
        return Ok(());
    }
    let key = generate_reader_key(&kid(reader));
    write_file(&public, key.public_jwk, 0o600)?;
    write_file(&private, key.private_jwk, 0o600)
}

fn ensure_secret(file: &Path, name: &str) -> Result<()> {
    if file.is_file() { Ok(()) } else { write_file(file, generate_secret(&kid(name)), 0o600) }
}

fn ensure_pair(private: &Path, public: Option<&Path>, name: &str) -> Result<()> {
    let is_whole = private.is_file() && public.is_none_or(Path::is_file);
    if is_whole {
        return Ok(());
    }
    let key = generate_signing_key(&kid(name));
    if let Some(public) = public {
        write_file(public, key.public_jwk, 0o600)?;
    }
    write_file(private, key.private_jwk, 0o600)
}

/// Unique per key: two installations, or one made anew, never use one name for two keys.
fn kid(name: &str) -> String {
    let [a, b, c, d] = shared::ids::random_bytes::<4>();
    format!("{}{name}-{a:02x}{b:02x}{c:02x}{d:02x}", shared::keys::DEMO_KID_PREFIX)
}

/// What a service signs its calls to siblings with.
pub(crate) fn service_private(layout: &Layout, service: &str) -> PathBuf {
    layout.path(format!("keys/{service}.service.jwk"))
}

/// What siblings check those calls with.
pub(crate) fn service_public(layout: &Layout, service: &str) -> PathBuf {
    layout.path(format!("keys/{service}.service.pub.jwk"))
}

/// What a service signs checkpoints of its audit log with.
pub(crate) fn audit_private(layout: &Layout, service: &str) -> PathBuf {
    layout.path(format!("keys/{service}.audit.jwk"))
}

/// What an export of that log is checked with: `SERVICE audit verify FILE --key`.
pub(crate) fn audit_public(layout: &Layout, service: &str) -> PathBuf {
    layout.path(format!("keys/{service}.audit.pub.jwk"))
}

/// What one of the two persons opens evidence with.
fn reader_private(layout: &Layout, reader: &str) -> PathBuf {
    layout.path(format!("keys/{reader}.evidence.jwk"))
}

/// What messages are sealed with for that person.
pub(crate) fn reader_public(layout: &Layout, reader: &str) -> PathBuf {
    layout.path(format!("keys/{reader}.evidence.pub.jwk"))
}

/// What auth signs access tokens with.
pub(crate) fn access_token(layout: &Layout) -> PathBuf {
    layout.path("keys/access-token.jwk")
}

/// What auth protects refresh handles with.
pub(crate) fn refresh_handle(layout: &Layout) -> PathBuf {
    layout.path("keys/refresh-handle.key")
}

/// What auth encrypts the secrets of authenticators with.
pub(crate) fn authenticators(layout: &Layout) -> PathBuf {
    layout.path("keys/authenticators.key")
}
