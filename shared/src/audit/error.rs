//! Settles what can go wrong with the log, and what an export can be refused for.

use std::path::PathBuf;

use super::canonical::NotCanonical;
use crate::pg;

/// Why the log cannot go on, or not say what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An entry's details hold what has no canonical form: a bug of the act.
    #[error("an entry cannot be written: {0}")]
    NotCanonical(#[from] NotCanonical),
    /// A file that should be a checkpoint is none, or another key has signed it.
    #[error("{} is not a checkpoint that this key has signed: find out who changed it; after a change of key, start a new folder", .0.display())]
    BadCheckpoint(PathBuf),
    /// The log in the database does not continue the last checkpoint: it was changed after it was signed.
    #[error(
        "the log of {size} entries in the database does not continue the checkpoint of {signed}: it was changed; nothing is signed any more"
    )]
    Rewritten {
        /// Size in the database.
        size: u64,
        /// Size of the last checkpoint.
        signed: u64,
    },
    /// A stored hash is missing: the table of nodes was changed.
    #[error("a stored hash of the log's tree is missing: it was changed")]
    MissingNode,
    /// No checkpoint covers what is asked for.
    #[error("no checkpoint covers the entries {first} to {last}: the latest one covers {covered}")]
    NotCovered {
        /// First position asked for.
        first: u64,
        /// Last position asked for.
        last: u64,
        /// Size of the latest checkpoint.
        covered: u64,
    },
    /// The configuration names no folder of checkpoints.
    #[error("there is no section `audit` in the configuration, so there are no checkpoints")]
    NotConfigured,
    /// The checkpoint's disk did not answer in time.
    #[error("a checkpoint could not be written in time")]
    SlowDisk,
    /// A file or folder cannot be read or written.
    #[error("{}: {}", .0.display(), .1)]
    File(PathBuf, std::io::Error),
    /// PostgreSQL.
    #[error("database: {0}")]
    Database(#[from] pg::Error),
}

impl Error {
    /// Whether the same act may succeed later without any change to it.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Database(error) => error.retryable(),
            Self::SlowDisk | Self::File(..) | Self::NotCovered { .. } => true,
            Self::NotCanonical(_)
            | Self::BadCheckpoint(_)
            | Self::Rewritten { .. }
            | Self::MissingNode
            | Self::NotConfigured => false,
        }
    }
}

/// Why an export proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// A line is not what it must be.
    #[error("line {line}: {what}")]
    Line {
        /// Number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        what: &'static str,
    },
}
