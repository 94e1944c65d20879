//! Settles how one service learns what another one owns: an append-only feed, read by position, woken by a stream, projected in transactions.
//!
//! The owner appends rows to `change_feed` in the transaction of the change. A row gets its position later, from one
//! sequencer that sees only committed rows: a position taken at insertion could become visible after a higher one,
//! and a reader that pages by position would step over it.

mod consumer;
mod publisher;

use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::SharedClock;
use crate::redis::{Bell, Cluster};

pub use consumer::{Consumer, Projection, ProjectionStatus};
pub use publisher::{Publisher, changes_route};

/// Where an owner serves its feed, on its internal address.
pub const CHANGES_PATH: &str = "/internal/v1/changes";
/// Most changes on one page.
pub const PAGE_LIMIT: i64 = 5_000;

/// One change: what a thing is now, or that it is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Place in the feed; readers resume after the last one they applied.
    pub position: i64,
    /// Kind of thing, such as `person`.
    pub kind: String,
    /// Its key within the kind.
    pub key: String,
    /// Whether the thing is gone.
    pub deleted: bool,
    /// The thing, as the owner's API description says.
    pub body: Value,
}

/// A page of a feed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Changes in order of position.
    pub changes: Vec<Change>,
    /// Highest position that has been given.
    pub published: i64,
}

/// Which page.
#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Changes after this position; 0 for all.
    #[garde(range(min = 0))]
    pub after: i64,
}

/// The bell that wakes the readers of `owner`'s feed.
fn bell_of(owner: &str, cluster: Cluster, clock: SharedClock) -> Bell {
    Bell::new(&format!("feed:{{{owner}}}"), cluster, clock)
}
