//! Settles the words of `cargo ent evidence`: keys of the two persons, and a bundle checked, read and opened without any service.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Where each command belongs.
pub(crate) const EXAMPLES: &str = "Examples:
  on a machine of one of the two persons, which never meets the service:
    cargo ent evidence keys rectorate rectorate.jwk
  anywhere, with the file and the service's public key:
    cargo ent evidence verify incident.evidence --key messaging.audit.pub.jwk
    cargo ent evidence extract incident.evidence --key messaging.audit.pub.jwk --to incident/
  on that person's machine again:
    cargo ent evidence open incident.evidence --key messaging.audit.pub.jwk --with rectorate.jwk --to incident/

Nothing here needs a running backend, a network or a configuration. `verify` ends with 1 when anything was changed.";

/// Options of `evidence`.
#[derive(Debug, Args)]
pub(crate) struct Evidence {
    /// What to do.
    #[command(subcommand)]
    pub(crate) act: EvidenceAct,
}

/// What is done with evidence.
#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceAct {
    /// Make the key of one of the two persons: FILE stays with them, offline; FILE.pub goes into the configuration
    Keys {
        /// Name of the key: an office rather than a name
        name: String,
        /// The private file; it must not exist
        file: PathBuf,
    },
    /// Say whether a bundle is, to the last byte, what the service signed
    Verify(Bundle),
    /// Verify a bundle, and write what everybody may read as files: the timeline, the printable page, the lists
    Extract {
        #[command(flatten)]
        bundle: Bundle,
        /// The folder; it must not exist
        #[arg(long)]
        to: PathBuf,
    },
    /// Verify a bundle, and write the texts that were sealed as files
    Open {
        #[command(flatten)]
        bundle: Bundle,
        /// Private key of one of the two persons
        #[arg(long)]
        with: PathBuf,
        /// The folder; it must not exist
        #[arg(long)]
        to: PathBuf,
    },
}

/// A bundle, and what it is checked with.
#[derive(Debug, Args)]
pub(crate) struct Bundle {
    /// The bundle
    pub(crate) file: PathBuf,
    /// Public key (JWK) by which the service signs its audit log; get it another way than the bundle
    #[arg(long)]
    pub(crate) key: PathBuf,
    /// Public key of another service whose log the bundle proves, such as auth; may be given several times
    #[arg(long)]
    pub(crate) also: Vec<PathBuf>,
}
