//! Settles how passwords of the private engines are made and kept.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::layout::{make_dir, write_file};

/// The secret in this file; a new one is made when there is none.
pub(crate) fn ensure(path: &Path) -> Result<String> {
    if path.is_file() {
        let text = std::fs::read_to_string(path);
        return Ok(text.with_context(|| format!("cannot read {}", path.display()))?.trim().to_owned());
    }
    if let Some(folder) = path.parent() {
        make_dir(folder, 0o700)?;
    }
    let secret = generate();
    write_file(path, format!("{secret}\n"), 0o600)?;
    Ok(secret)
}

/// 256 random bits in hexadecimal: nothing in it needs escaping in SQL, URLs or configuration files.
fn generate() -> String {
    let mut text = String::with_capacity(64);
    for byte in shared::ids::random_bytes::<32>() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once() {
        let folder = std::env::temp_dir().join(format!("ent-secret-{}", std::process::id()));
        let path = folder.join("deep/secret");
        let first = ensure(&path).unwrap();
        assert_eq!(first.len(), 64);
        assert_eq!(ensure(&path).unwrap(), first);
        crate::layout::remove_dir(&folder).unwrap();
    }
}
