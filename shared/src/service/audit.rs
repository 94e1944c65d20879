//! Settles what the command line does with the audit log: export a part of it, and check an export without any service.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::kit::audit_log;
use super::{Config, Service};
use crate::audit::{self, Verified};
use crate::config::{Invalid, Profile};
use crate::keys;
use crate::pg::Database;
use crate::resilience::breaker::Registry;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Write entries, with what proves them, to a file that `verify` checks.
    Export {
        /// The file; it must not exist.
        file: PathBuf,
        /// Position of the first entry.
        #[arg(long, default_value_t = 1)]
        first: u64,
        /// Position of the last entry; the last one that a checkpoint covers when absent.
        #[arg(long)]
        last: Option<u64>,
    },
    /// Check an export against a public key: needs no configuration, no engine and no network.
    Verify {
        /// The export.
        file: PathBuf,
        /// Public key (JWK) of the service whose log it is.
        #[arg(long)]
        key: PathBuf,
    },
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Config(#[from] Invalid),
    #[error("audit: {0}")]
    Log(#[from] audit::Error),
    #[error("{}: {}", .0.display(), .1)]
    Fault(PathBuf, audit::Fault),
}

/// Writes the entries to `file`. Returns how many.
pub(super) async fn export<S: Service>(
    config: &Config<S::Own>,
    file: &Path,
    first: u64,
    last: Option<u64>,
) -> Result<u64, Failure> {
    let breakers = Registry::new(config.clock(), config.ablate);
    let database = Database::open(&config.postgres, &breakers, &tokio::runtime::Handle::current())?;
    let log = audit_log(config, S::NAME, &database, &config.clock())?;
    Ok(audit::export(&log, first, last, file).await?)
}

/// What the export proves.
pub(super) fn verify(file: &Path, key: &Path) -> Result<Verified, Failure> {
    // Whoever checks chooses the key: a demo log is checked with a demo key.
    let public = keys::read_public_key(key, Profile::Demo)?;
    let not_a_key = || Invalid::new(format!("{}: not an Ed25519 public key", key.display()));
    let public = public.ed25519().ok_or_else(not_a_key)?;
    let fault = |fault| Failure::Fault(file.to_owned(), fault);
    let open = File::open(file).map_err(|error| fault(error.into()))?;
    audit::verify(BufReader::new(open), &public).map_err(fault)
}
