//! Settles where checkpoints go and who signs them.

use std::path::PathBuf;

use garde::Validate;
use serde::Deserialize;

use crate::config::Invalid;

/// The section `audit`. Without it entries are kept and ordered, but nothing is signed.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder for checkpoints; another volume under another user, so that whoever owns the database cannot rewrite them.
    #[garde(skip)]
    pub checkpoint_dir: PathBuf,
    /// Private Ed25519 key (JWK) that signs checkpoints; the service's own when absent.
    #[serde(default)]
    #[garde(skip)]
    pub signing_key_file: Option<PathBuf>,
    /// Seconds between checkpoints while there is something new.
    #[serde(default = "default_checkpoint_every_s")]
    #[garde(range(min = 1, max = 3_600))]
    pub checkpoint_every_s: u64,
}

fn default_checkpoint_every_s() -> u64 {
    10
}

impl Config {
    /// Says what to change when the folder is not there.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.checkpoint_dir.is_dir() {
            return Ok(());
        }
        let folder = self.checkpoint_dir.display();
        Err(Invalid::new(format!(
            "audit.checkpoint_dir: {folder} must be a folder that the service may write to"
        )))
    }
}
