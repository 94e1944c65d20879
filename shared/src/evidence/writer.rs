//! Settles how a bundle of evidence is written: line by line, so that its size is no matter of memory.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::format::{Head, Item, Line, Listed, signed_text};
use crate::audit::Checkpoints;

/// A bundle that is being written.
pub struct Writer<W> {
    out: W,
    origin: String,
    digest: Sha256,
    listed: Vec<Listed>,
}

impl<W: Write> Writer<W> {
    /// Begins with the head.
    pub fn begin(out: W, head: Head) -> io::Result<Self> {
        let origin = head.origin.clone();
        let mut writer = Self { out, origin, digest: Sha256::new(), listed: vec![] };
        writer.line(&Line::Head(head))?;
        Ok(writer)
    }

    /// Adds something. One item is in memory at a time, when the file is verified too: 16 MiB at most.
    pub fn add(&mut self, item: Item) -> io::Result<()> {
        self.line(&Line::Item(item))
    }

    /// Manifest and signature; the file is whole. Returns what it was written to.
    pub fn end(mut self, signer: &Checkpoints) -> io::Result<W> {
        let lines = std::mem::take(&mut self.listed);
        self.line(&Line::Manifest { lines })?;
        let sha256 = STANDARD.encode(self.digest.clone().finalize());
        let (name, text) = signed_text(&self.origin, &sha256);
        self.line(&Line::Signature { note: signer.sign_note(&name, &text) })?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn line(&mut self, line: &Line) -> io::Result<()> {
        let text = line.write();
        self.listed.push(listed(line, &text));
        self.digest.update(&text);
        self.out.write_all(text.as_bytes())
    }
}

/// A line as the manifest lists it.
pub(super) fn listed(line: &Line, text: &str) -> Listed {
    let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
    Listed { name: line.listed_name(), bytes, sha256: STANDARD.encode(Sha256::digest(text)) }
}
