//! Settles how what was revoked is refused everywhere within a second: a number that only grows, told by streams, asked for where they are silent.
//!
//! **Truth.** Auth commits each revocation to its PostgreSQL under the next number of one counter, the epoch. Its row is
//! locked until the commit, so that numbers become visible in their order and whoever has read up to one has missed none.
//!
//! **News.** Auth appends what is new to three Redis streams, each complete, on tags whose slots are far apart: a shard that
//! is away delays nothing. An entry says after which epoch it goes on, so that a reader notices what it has missed and
//! asks auth for it. Where the streams are silent it asks auth all the time ([`Follower`]).
//!
//! **Lag.** Every second an entry says how far auth's database is. It proves something only as of the moment before it can
//! have been appended: entries that waited in the stream, or in a paused process, never make a view look younger.
//!
//! **Memory.** A view forgets what it heard of longer ago than any token that it accepts can be old ([`KEPT`]).

mod follower;
#[cfg(test)]
mod model;
mod news;
mod place;
mod stream;
mod view;

pub(super) use follower::copy_of;
pub use follower::{Follower, Unanswered};
pub use news::{News, Revocation, Scope};
pub use stream::Streams;
pub use view::{KEPT, LAG_LIMIT, RevocationView};

/// Where auth answers what was revoked after an epoch, on its internal address.
pub const REVOCATIONS_PATH: &str = "/internal/v1/revocations";
