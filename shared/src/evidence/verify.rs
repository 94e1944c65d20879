//! Settles whether a bundle of evidence is what its service signed: line by line, with the public key alone.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};

use super::format::{Head, Item, Line, Listed, VERSION, signed_text};
use super::writer::listed;
use crate::audit::open_note;

/// Longest line. A longer one is not ours.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;

/// Why a bundle proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A line is not what it must be.
    #[error("line {line}: {what}")]
    Line {
        /// Number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
}

/// What a bundle has proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What it is about.
    pub head: Head,
    /// How many texts.
    pub texts: u64,
    /// How many sealed texts.
    pub sealed: u64,
    /// How many entries of audit logs.
    pub proven: u64,
    /// Base64 of the key of each log whose entries were proven. That of another service is one that this bundle names: compare
    /// it with what that service publishes.
    pub log_keys: BTreeMap<String, String>,
}

/// Reads a bundle to its end. Anything that is not exactly as written is a fault.
pub fn verify(file: impl BufRead, key: &VerifyingKey) -> Result<Verified, Fault> {
    let mut check = Check::new(key);
    for_each_line(file, |number, text| check.take(number, text))?;
    check.finish()
}

/// Gives each item of a bundle that has been verified.
pub fn items(file: impl BufRead, mut each: impl FnMut(Item) -> io::Result<()>) -> Result<(), Fault> {
    for_each_line(file, |number, text| match Line::read(text) {
        Some(Line::Item(item)) => Ok(each(item)?),
        Some(Line::Head(_) | Line::Manifest { .. } | Line::Signature { .. }) => Ok(()),
        None => Err(fault(number, "is not a line of a bundle")),
    })
}

fn for_each_line(
    mut file: impl BufRead,
    mut each: impl FnMut(u64, &str) -> Result<(), Fault>,
) -> Result<(), Fault> {
    for number in 1.. {
        let mut bytes = Vec::new();
        io::Read::take(&mut file, LONGEST_LINE).read_until(b'\n', &mut bytes)?;
        if bytes.is_empty() {
            break;
        }
        let text = str::from_utf8(&bytes).map_err(|_| fault(number, "is not UTF-8"))?;
        each(number, text)?;
    }
    Ok(())
}

fn fault(line: u64, what: impl Into<String>) -> Fault {
    Fault::Line { line, what: what.into() }
}

struct Check<'a> {
    key: &'a VerifyingKey,
    number: u64,
    digest: Sha256,
    head: Option<Head>,
    listed: Vec<Listed>,
    has_manifest: bool,
    is_signed: bool,
    texts: u64,
    sealed: u64,
    proven: u64,
    log_keys: BTreeMap<String, String>,
}

impl<'a> Check<'a> {
    fn new(key: &'a VerifyingKey) -> Self {
        Self {
            key,
            number: 0,
            digest: Sha256::new(),
            head: None,
            listed: vec![],
            has_manifest: false,
            is_signed: false,
            texts: 0,
            sealed: 0,
            proven: 0,
            log_keys: BTreeMap::new(),
        }
    }

    fn must(&self, holds: bool, what: &str) -> Result<(), Fault> {
        if holds { Ok(()) } else { Err(fault(self.number, what)) }
    }

    fn take(&mut self, number: u64, text: &str) -> Result<(), Fault> {
        self.number = number;
        self.must(!self.is_signed, "comes after the signature")?;
        let line =
            Line::read(text).ok_or_else(|| fault(number, "is not a line of a bundle, as it is written"))?;
        let listed = listed(&line, text);
        match line {
            Line::Head(head) => self.head(head)?,
            Line::Item(item) => self.item(&item)?,
            Line::Manifest { lines } => self.manifest(&lines)?,
            Line::Signature { note } => self.signature(&note)?,
        }
        self.listed.push(listed);
        self.digest.update(text);
        Ok(())
    }

    fn head(&mut self, head: Head) -> Result<(), Fault> {
        self.must(
            self.number == 1 && head.version == VERSION,
            "is not the head of a bundle of this version",
        )?;
        let names_key = head.public_key == STANDARD.encode(self.key.as_bytes());
        self.must(names_key, "names another public key than the one given")?;
        self.head = Some(head);
        Ok(())
    }

    fn item(&mut self, item: &Item) -> Result<(), Fault> {
        let Some(head) = &self.head else { return Err(fault(self.number, "comes before the head")) };
        self.must(!self.has_manifest, "comes after the manifest")?;
        match item {
            Item::Text { .. } => self.texts += 1,
            Item::Sealed { sealed, .. } => {
                self.must(sealed.boxes.len() == head.readers.len(), "is not sealed once for each reader")?;
                self.sealed += 1;
            }
            Item::Proof { name, proof } => {
                let checked = proof.check().map_err(|what| fault(self.number, format!("{name} {what}")))?;
                let (is_own, is_ours) = (proof.origin == head.origin, checked.1 == *self.key);
                self.must(!is_own || is_ours, "proves entries of this service by another key")?;
                let known =
                    self.log_keys.entry(proof.origin.clone()).or_insert_with(|| proof.public_key.clone());
                let is_same = *known == proof.public_key;
                self.must(is_same, "proves entries of one log by two keys")?;
                self.proven += u64::try_from(proof.entries.len()).unwrap_or(u64::MAX);
            }
        }
        Ok(())
    }

    fn manifest(&mut self, lines: &[Listed]) -> Result<(), Fault> {
        self.must(!self.has_manifest, "is a second manifest")?;
        let differing = self.listed.iter().zip(lines).position(|(found, listed)| found != listed);
        if let Some((place, listed)) = differing.and_then(|place| Some((place, self.listed.get(place)?))) {
            let what = format!(
                "says something else of line {} ({}): one of them was changed",
                place + 1,
                listed.name
            );
            return Err(fault(self.number, what));
        }
        self.must(lines.len() == self.listed.len(), "lists more or fewer lines than there are")?;
        self.has_manifest = true;
        Ok(())
    }

    fn signature(&mut self, note: &str) -> Result<(), Fault> {
        let Some(head) = &self.head else { return Err(fault(self.number, "comes before the head")) };
        self.must(self.has_manifest, "comes before the manifest")?;
        let (name, text) = signed_text(&head.origin, &STANDARD.encode(self.digest.clone().finalize()));
        let is_signed = open_note(&name, note, self.key) == Some(text.as_str());
        self.must(is_signed, "is not a signature of this key over what is before it: something was changed")?;
        self.is_signed = true;
        Ok(())
    }

    fn finish(self) -> Result<Verified, Fault> {
        let Self { number, head, is_signed, texts, sealed, proven, log_keys, .. } = self;
        match head {
            Some(head) if is_signed => Ok(Verified { head, texts, sealed, proven, log_keys }),
            Some(_) | None => {
                Err(fault(number, "is the last one, and there is no signature: the file was cut off"))
            }
        }
    }
}
