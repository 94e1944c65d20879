//! Settles what leaves the house as evidence: one file that proves itself, with texts that only two persons can open.
//!
//! **The file.** Lines of JSON, each written in exactly one way: a head, entries, a manifest with the SHA-256 of every line
//! before it, and a signature over all of that by the key that signs the checkpoints of the service's audit log. [`verify`]
//! needs the file and the public key, and notices any change of any byte.
//!
//! **Entries.** Texts (lists of events, the printable page), proofs of entries of audit logs ([`crate::audit::Proof`]), and
//! sealed texts. The proofs tie the file to the logs: a file that was signed later by whoever got hold of the key cannot say
//! anything else of an act than the checkpoints say, of which others may hold older ones.
//!
//! **Sealed texts** are encrypted twice, once for each of two persons, whose private keys never come near the service. Either
//! can open them alone (`docs/decisions/0056`). What is sealed carries a commitment, the SHA-256 of 32 random bytes and the
//! text: it says of an opened text that it is the one that was sealed, and nothing of one that is not.

mod format;
mod key;
mod seal;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use format::{Head, Item, Reader};
pub use key::{OpeningKey, ReaderKey, generate_reader_key};
pub use seal::{NotSealed, Sealed, Unsealed, open, seal, sha256};
pub use verify::{Fault, Verified, items, verify};
pub use writer::Writer;
