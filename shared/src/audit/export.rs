//! Settles how a part of the log leaves the house: a file that proves itself to whoever has the public key.

use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::format::{Line, VERSION, encode};
use super::merkle::{self, Hash};
use super::{Error, Log, nodes};

/// Entries read and proven at a time: their proofs are in memory together.
const PAGE: i64 = 500;

/// Writes the entries `first` to `last` (all that checkpoints cover when absent) to `file`. Returns how many.
///
/// Every checkpoint from `first` on goes with them, so that a log that was rewritten between two of them is noticed.
pub async fn export(log: &Log, first: u64, last: Option<u64>, file: &Path) -> Result<u64, Error> {
    let checkpoints = log.checkpoints()?;
    let notes = checkpoints.all().await?;
    let covered = notes.last().map_or(0, |(checkpoint, _)| checkpoint.tree.size);
    let last = last.unwrap_or(covered);
    if first == 0 || first > last || last > covered {
        return Err(Error::NotCovered { first, last, covered });
    }
    let mut out = Out::create(file)?;
    let public_key = STANDARD.encode(checkpoints.public_key().as_bytes());
    out.line(&Line::Head { version: VERSION, origin: log.origin().to_owned(), first, last, public_key })?;
    let mut before = None;
    for (checkpoint, note) in notes.into_iter().filter(|(checkpoint, _)| checkpoint.tree.size >= first) {
        let size = checkpoint.tree.size;
        let path = before.map_or_else(Vec::new, |before| merkle::consistency_path(before, size));
        let consistency = encode(&nodes::hashes(&mut log.reader().await?, &path).await?);
        out.line(&Line::Checkpoint { note, consistency })?;
        before = Some(size);
    }
    let mut after = first - 1;
    while after < last {
        let page = log.entries(after, last, PAGE).await?;
        after = page.last().map(|(position, _)| *position).ok_or(Error::MissingNode)?;
        let proofs = prove(log, &page, covered).await?;
        for ((position, content), proof) in page.into_iter().zip(proofs) {
            out.line(&Line::Entry { position, content, inclusion: encode(&proof) })?;
        }
    }
    out.end()?;
    Ok(last + 1 - first)
}

/// The inclusion proof of each entry in the tree of `size`: one statement for the page.
pub(super) async fn prove(log: &Log, page: &[(u64, String)], size: u64) -> Result<Vec<Vec<Hash>>, Error> {
    let paths: Vec<_> = page.iter().map(|(position, _)| merkle::inclusion_path(position - 1, size)).collect();
    let mut hashes = nodes::hashes(&mut log.reader().await?, &paths.concat()).await?.into_iter();
    Ok(paths.iter().map(|path| hashes.by_ref().take(path.len()).collect()).collect())
}

/// A new file that adds up what is written to it.
struct Out {
    path: PathBuf,
    file: std::io::BufWriter<std::fs::File>,
    lines: u64,
    digest: Sha256,
}

impl Out {
    fn create(path: &Path) -> Result<Self, Error> {
        let file = std::fs::File::create_new(path).map_err(|error| Error::File(path.to_owned(), error))?;
        Ok(Self {
            path: path.to_owned(),
            file: std::io::BufWriter::new(file),
            lines: 0,
            digest: Sha256::new(),
        })
    }

    fn line(&mut self, line: &Line) -> Result<(), Error> {
        let text = line.write();
        self.lines += 1;
        self.digest.update(&text);
        self.file.write_all(text.as_bytes()).map_err(|error| Error::File(self.path.clone(), error))
    }

    fn end(mut self) -> Result<(), Error> {
        let sha256 = STANDARD.encode(self.digest.clone().finalize());
        self.line(&Line::End { lines: self.lines, sha256 })?;
        let flushed = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        flushed.map_err(|error| Error::File(self.path.clone(), error))
    }
}
