//! Settles that an act asked for twice happens once: a retry under the same key gets the answer that the first one got.
//!
//! Why: a phone that lost the reply cannot know whether its message was sent, and its only safe move is to ask again.
//! The header is `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), its scope is (account, route, key),
//! its memory [`KEPT_FOR`].
//!
//! How: the key's row is inserted, and the answer stored in it, in the transaction of the act itself. Both commit or
//! neither does, so no crash leaves an act without its answer. What was refused or rolled back leaves no row: such a
//! retry is judged anew. Twins that come at the same time are kept apart by an advisory lock of the transaction; the
//! second one asks again every few milliseconds (at most [`LONGEST_WAIT`], because it holds a connection meanwhile),
//! then gets 409. Correctness does not rest on that lock but on the primary key.
//!
//! Never for sign-in: a stored answer would be a session at rest, for whoever presents the key. Such routes refuse the
//! header ([`Keyless`]), because ignoring it would break its promise silently.
//!
//! Each service that uses it has the table `idempotency_key` in its migrations and a [`Sweeper`] among its workers.

mod answer;
mod claim;
mod error;
mod header;
mod keyed;
mod record;
mod sweeper;
mod upload;

use std::time::Duration;

use chrono::TimeDelta;

pub use answer::Answer;
pub use claim::Claim;
pub use error::Error;
pub use header::{IdempotencyKeyHeader, Keyless};
pub use keyed::Keyed;
pub use record::{Begin, Token, begin, finish};
pub use sweeper::Sweeper;
pub use upload::KeyedUpload;

/// How long an answer is kept. A retry after that is a new act: 24 h is longer than any client retries by itself.
pub const KEPT_FOR: TimeDelta = TimeDelta::hours(24);
/// Largest answer that is stored, in bytes. An act whose answer can be larger must not take keys: it would be refused.
pub const LARGEST_ANSWER: usize = 64 * 1024;
/// Longest wait of a twin for the one that came first.
pub const LONGEST_WAIT: Duration = Duration::from_secs(1);
