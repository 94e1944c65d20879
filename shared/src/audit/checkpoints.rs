//! Settles how checkpoints lie on their disk: one file each, named by size, complete or not there at all.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use tokio::fs;
use tokio::io::AsyncWriteExt;

use super::{Checkpoint, Config, Error, note};
use crate::config::{Invalid, Profile};
use crate::{ids, keys};

const SUFFIX: &str = ".checkpoint";
/// A disk that does not take a few hundred bytes within this is away.
const WRITE_LIMIT: Duration = Duration::from_secs(5);

/// The folder and the key. Cloning shares the key.
#[derive(Clone)]
pub struct Checkpoints {
    folder: PathBuf,
    key: Arc<SigningKey>,
    /// Time between two of them.
    pub(super) every: Duration,
}

impl Checkpoints {
    /// A key without a folder, for tests of what else it signs.
    #[cfg(test)]
    pub(crate) fn signing_with(key: SigningKey) -> Self {
        Self { folder: PathBuf::new(), key: Arc::new(key), every: Duration::MAX }
    }

    /// Reads the key: the section's own, or `service_key`.
    pub fn open(config: &Config, service_key: &Path, profile: Profile) -> Result<Self, Invalid> {
        let file = config.signing_key_file.as_deref().unwrap_or(service_key);
        let key = Arc::new(keys::read_ed25519_key(file, profile)?);
        let every = Duration::from_secs(config.checkpoint_every_s);
        Ok(Self { folder: config.checkpoint_dir.clone(), key, every })
    }

    /// The note of another text of this service, signed under `name`.
    pub(crate) fn sign_note(&self, name: &str, text: &str) -> String {
        note::sign(name, text, &self.key)
    }

    /// The key that others check checkpoints with.
    pub fn public_key(&self) -> ed25519_dalek::VerifyingKey {
        self.key.verifying_key()
    }

    /// Every checkpoint, smallest first, with its note. One that cannot be opened is a fault, not a gap.
    pub(super) async fn all(&self) -> Result<Vec<(Checkpoint, String)>, Error> {
        let mut checkpoints = Vec::new();
        for file in self.files().await? {
            checkpoints.push(self.read(&file).await?);
        }
        Ok(checkpoints)
    }

    /// The largest one.
    pub(super) async fn latest(&self) -> Result<Option<Checkpoint>, Error> {
        Ok(self.latest_note().await?.map(|(checkpoint, _)| checkpoint))
    }

    /// The largest one, with its note.
    pub(super) async fn latest_note(&self) -> Result<Option<(Checkpoint, String)>, Error> {
        match self.files().await?.last() {
            Some(file) => Ok(Some(self.read(file).await?)),
            None => Ok(None),
        }
    }

    /// Signs and writes one; when this returns, it is on the disk. Another instance's of the same size is replaced by its equal.
    pub(super) async fn write(&self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let file = self.folder.join(format!("{:020}{SUFFIX}", checkpoint.tree.size));
        let draft = file.with_extension(format!("draft-{:016x}", u64::from_be_bytes(ids::random_bytes())));
        let note = checkpoint.sign(&self.key);
        let writing = async {
            let mut open = fs::File::create(&draft).await?;
            open.write_all(note.as_bytes()).await?;
            open.sync_all().await?;
            fs::rename(&draft, &file).await?;
            // The name is durable when the folder is.
            fs::File::open(&self.folder).await?.sync_all().await
        };
        let written = tokio::time::timeout(WRITE_LIMIT, writing).await.map_err(|_| Error::SlowDisk)?;
        written.map_err(|error| Error::File(file.clone(), error))
    }

    async fn files(&self) -> Result<Vec<PathBuf>, Error> {
        let unreadable = |error| Error::File(self.folder.clone(), error);
        let mut entries = fs::read_dir(&self.folder).await.map_err(unreadable)?;
        let mut files = Vec::new();
        while let Some(entry) = entries.next_entry().await.map_err(unreadable)? {
            if entry.file_name().to_string_lossy().ends_with(SUFFIX) {
                files.push(entry.path());
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    async fn read(&self, file: &Path) -> Result<(Checkpoint, String), Error> {
        let note = fs::read_to_string(file).await.map_err(|error| Error::File(file.to_owned(), error))?;
        let checkpoint = Checkpoint::open(&note, &self.public_key());
        let checkpoint = checkpoint.ok_or_else(|| Error::BadCheckpoint(file.to_owned()))?;
        Ok((checkpoint, note))
    }
}
