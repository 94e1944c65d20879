//! Settles how acts that matter are kept so that nobody can quietly change what was done: a Merkle log with signed checkpoints.
//!
//! **Appending.** An act inserts its leaf in its own transaction ([`append`]), in no order and without a wait. One
//! sequencer gives positions to committed leaves every half second ([`Log::run`]), and stores the hash of each subtree
//! that is complete (RFC 6962: leaf 0x00, node 0x01). Those hashes never change, so an append reads and writes a
//! logarithm of rows and nothing grows in memory.
//!
//! **Checkpoints.** Every few seconds in which something was appended, size and root are signed and written to
//! `audit.checkpoint_dir`, which should be another volume under another user. A tree that does not continue the last
//! checkpoint is never signed: the log stops and says so.
//!
//! **What is detected.** Any edit, deletion or reordering of checkpointed leaves, by anybody without the signing key;
//! with the key, by comparison with any older checkpoint. An export ([`export`]) carries entries, proofs and
//! checkpoints, and is checked with the public key alone ([`verify`]).
//!
//! **What is not.** Leaves of the last moments, up to one second without a position and then up to
//! `checkpoint_every_s` without a checkpoint, can be removed by whoever controls the database. So can a position that
//! was never checkpointed. That window is the price of never making an act wait for the log.
//!
//! **Rights.** Triggers in the migration refuse every other change to leaves and nodes, whoever asks. A role of its own
//! for the service makes that a right instead of a rule: `grant select, insert, update (position) on audit_leaf` and
//! `grant select, insert on audit_node`, with the tables owned by the role that migrates.

mod canonical;
mod checkpoint;
mod checkpoints;
mod config;
mod entry;
mod error;
mod export;
mod format;
mod log;
pub mod merkle;
mod nodes;
mod note;
#[cfg(test)]
mod oracle;
mod order;
mod proof;
mod verify;

pub use checkpoint::Checkpoint;
pub use checkpoints::Checkpoints;
pub use config::Config;
pub use entry::{Actor, Entry, append};
pub use error::{Error, Fault};
pub use export::export;
pub use log::{Log, Progress};
pub(crate) use note::open as open_note;
pub use order::Order;
pub use proof::{Named, Proof, ProvenEntry, find_of_incident, prove};
pub use verify::{Verified, verify};
