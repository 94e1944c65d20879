//! Settles whether an export is what its log signed: checked line by line with the public key alone, whatever its size.

use std::io::BufRead;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};

use super::format::{Line, VERSION, decode};
use super::merkle::{is_consistent, is_included, leaf_hash};
use super::{Checkpoint, Fault};

/// Longest line: an entry with its proof. A longer one is not ours.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// What an export has proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Positions of the first and last entry.
    pub first: u64,
    /// See `first`.
    pub last: u64,
    /// How many checkpoints were checked against each other.
    pub checkpoints: u64,
    /// The one that has all the entries.
    pub latest: Checkpoint,
}

/// Reads an export to its end. Anything that is not exactly as written is a fault.
pub fn verify(mut file: impl BufRead, key: &VerifyingKey) -> Result<Verified, Fault> {
    let mut check = Check::new(key);
    loop {
        let mut text = String::new();
        std::io::Read::take(&mut file, LONGEST_LINE).read_line(&mut text)?;
        if text.is_empty() {
            return check.finish();
        }
        check.number += 1;
        let line = Line::read(&text).ok_or_else(|| check.fault("is not a line of an export"))?;
        check.take(line)?;
        check.digest.update(&text);
    }
}

struct Check<'a> {
    key: &'a VerifyingKey,
    number: u64,
    digest: Sha256,
    head: Option<(String, u64, u64)>,
    checkpoints: u64,
    latest: Option<Checkpoint>,
    next: u64,
    is_ended: bool,
}

impl<'a> Check<'a> {
    fn new(key: &'a VerifyingKey) -> Self {
        let (digest, head, latest) = (Sha256::new(), None, None);
        Self { key, number: 0, digest, head, checkpoints: 0, latest, next: 0, is_ended: false }
    }

    fn fault(&self, what: &'static str) -> Fault {
        Fault::Line { line: self.number, what }
    }

    fn must(&self, holds: bool, what: &'static str) -> Result<(), Fault> {
        if holds { Ok(()) } else { Err(self.fault(what)) }
    }

    fn take(&mut self, line: Line) -> Result<(), Fault> {
        self.must(!self.is_ended, "comes after the end")?;
        match line {
            Line::Head { version, origin, first, last, public_key } => {
                self.must(
                    self.number == 1 && version == VERSION,
                    "is not the head of an export of this version",
                )?;
                self.must(public_key == STANDARD.encode(self.key.as_bytes()), "names another public key")?;
                self.must(0 < first && first <= last, "announces no entries")?;
                (self.head, self.next) = (Some((origin, first, last)), first);
                Ok(())
            }
            Line::Checkpoint { note, consistency } => self.checkpoint(&note, &consistency),
            Line::Entry { position, content, inclusion } => self.entry(position, &content, &inclusion),
            Line::End { lines, sha256 } => {
                let digest = STANDARD.encode(self.digest.clone().finalize());
                self.must(lines + 1 == self.number && sha256 == digest, "does not add up")?;
                self.is_ended = true;
                Ok(())
            }
        }
    }

    fn checkpoint(&mut self, note: &str, consistency: &[String]) -> Result<(), Fault> {
        let Some((origin, first, _)) = &self.head else { return Err(self.fault("comes before the head")) };
        self.must(self.next == *first, "is a checkpoint among entries")?;
        let opened = Checkpoint::open(note, self.key).filter(|checkpoint| checkpoint.origin == *origin);
        let opened =
            opened.ok_or_else(|| self.fault("is not a checkpoint of this log signed by this key"))?;
        let proof = decode(consistency).ok_or_else(|| self.fault("holds no hashes"))?;
        let continues = self.latest.as_ref().map_or(proof.is_empty(), |latest| {
            latest.tree.size < opened.tree.size && is_consistent(&latest.tree, &opened.tree, &proof)
        });
        self.must(continues, "does not continue the checkpoint before: the log was rewritten")?;
        (self.latest, self.checkpoints) = (Some(opened), self.checkpoints + 1);
        Ok(())
    }

    fn entry(&mut self, position: u64, content: &str, inclusion: &[String]) -> Result<(), Fault> {
        let Some(latest) = &self.latest else { return Err(self.fault("comes before any checkpoint")) };
        self.must(position == self.next, "is not the next entry")?;
        let proof = decode(inclusion).ok_or_else(|| self.fault("holds no hashes"))?;
        let Some(index) = position.checked_sub(1) else { return Err(self.fault("has no position")) };
        let hash = leaf_hash(content.as_bytes());
        let is_there = is_included(hash, index, latest.tree.size, &proof, &latest.tree.root);
        self.must(is_there, "is not what was checkpointed: it was changed")?;
        self.next += 1;
        Ok(())
    }

    fn finish(self) -> Result<Verified, Fault> {
        match (&self.head, &self.latest) {
            (Some((_, first, last)), Some(latest)) if self.is_ended && self.next == last + 1 => {
                let latest = latest.clone();
                Ok(Verified { first: *first, last: *last, checkpoints: self.checkpoints, latest })
            }
            _ => Err(self.fault("is the last one, and entries are missing")),
        }
    }
}
