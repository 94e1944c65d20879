//! Settles how a projection follows a sibling's feed: page by page, each with its position in one transaction, so that a crash repeats nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{CHANGES_PATH, Change, PAGE_LIMIT, Page, bell_of};
use crate::clock::SharedClock;
use crate::context::Context;
use crate::pg::{self, Database, Work};
use crate::redis::Cluster;
use crate::resilience::backoff::Backoff;
use crate::siblings::{self, Sibling};

/// How one kind of change is written into a service's own tables. Kinds that no projection names are passed over,
/// so that an owner may publish more than every reader wants.
pub struct Projection {
    /// The kind.
    pub kind: &'static str,
    /// Inserts or updates; `$1` is a JSON array of bodies, each key once.
    pub upsert: &'static str,
    /// Deletes; `$1` is a JSON array of bodies.
    pub delete: &'static str,
}

/// Time for fetching and applying one page.
const PAGE_TIME: Duration = Duration::from_secs(30);
/// Pauses after failures.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));

/// Why a page was not applied.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Source(#[from] siblings::Error),
    #[error("own database: {0}")]
    Database(#[from] pg::Error),
    #[error(
        "the feed ends at {published}, before the {applied} already applied: was its database restored from a backup?"
    )]
    Behind { published: i64, applied: i64 },
}

/// How far a projection is, for `/statusz`. Cloning shares it.
#[derive(Clone, Default)]
pub struct ProjectionStatus(Arc<Counters>);

#[derive(Default)]
struct Counters {
    applied: AtomicI64,
    published: AtomicI64,
    is_failing: AtomicBool,
}

impl ProjectionStatus {
    /// `{applied, published, lag, failing}`; positions of the feed.
    pub fn report(&self) -> Value {
        let applied = self.0.applied.load(Ordering::Relaxed);
        let published = self.0.published.load(Ordering::Relaxed);
        let failing = self.0.is_failing.load(Ordering::Relaxed);
        json!({ "applied": applied, "published": published, "lag": (published - applied).max(0), "failing": failing })
    }
}

/// One projection of one sibling's feed.
pub struct Consumer {
    source: Sibling,
    database: Database,
    cluster: Cluster,
    clock: SharedClock,
    projections: &'static [Projection],
    status: ProjectionStatus,
}

impl Consumer {
    /// Follows `source` into the tables of `projections`, and tells `status` how far it is.
    pub fn new(
        source: Sibling,
        database: Database,
        cluster: Cluster,
        clock: SharedClock,
        projections: &'static [Projection],
        status: ProjectionStatus,
    ) -> Self {
        Self { source, database, cluster, clock, projections, status }
    }

    /// The worker: safe to run in every instance, they take turns by the row of their position.
    pub async fn run(self, stop: CancellationToken) {
        let mut failures = 0;
        let bell = bell_of(self.source.name(), self.cluster.clone(), self.clock.clone());
        let mut listener = bell.listener();
        while !stop.is_cancelled() {
            let outcome = tokio::select! {
                outcome = self.follow_one_page() => outcome,
                () = stop.cancelled() => return,
            };
            self.status.0.is_failing.store(outcome.is_err(), Ordering::Relaxed);
            let pause = match outcome {
                Ok(is_full) => {
                    failures = 0;
                    if is_full {
                        continue;
                    }
                    None
                }
                Err(failure) => {
                    failures += 1;
                    tracing::warn!(source = self.source.name(), %failure, failures, "a projection does not advance");
                    Some(BACKOFF.pause(failures))
                }
            };
            let waiting = async {
                match pause {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => listener.wait().await,
                }
            };
            tokio::select! {
                () = waiting => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Applies the next page. Returns whether it was full, so that there is more at once.
    async fn follow_one_page(&self) -> Result<bool, Failure> {
        let context = Context::background(self.clock.clone(), PAGE_TIME);
        let source = self.source.name();
        let find = "select applied from projection where source = $1";
        let row = self.database.reader(&context, Work::Background).await?.query_opt(find, &[&source]).await?;
        let applied: i64 = row.map_or(0, |row| row.get(0));
        let page: Page = self.source.get(&context, &format!("{CHANGES_PATH}?after={applied}")).await?;
        self.status.0.applied.store(applied, Ordering::Relaxed);
        self.status.0.published.store(page.published, Ordering::Relaxed);
        if page.published < applied {
            return Err(Failure::Behind { published: page.published, applied });
        }
        let Some(last) = page.changes.last().map(|change| change.position) else { return Ok(false) };
        let is_full = i64::try_from(page.changes.len()).is_ok_and(|length| length >= PAGE_LIMIT);
        if self.apply_page(&context, applied, last, newest_per_key(page.changes)).await? {
            self.status.0.applied.store(last, Ordering::Relaxed);
        }
        Ok(is_full)
    }

    /// False when another instance has applied this page meanwhile.
    async fn apply_page(
        &self,
        context: &Context,
        from: i64,
        to: i64,
        changes: Vec<Change>,
    ) -> Result<bool, pg::Error> {
        let source = self.source.name();
        let mut transaction = self.database.begin(context, Work::Background).await?;
        let ensure = "insert into projection (source, applied) values ($1, 0) on conflict do nothing";
        transaction.execute(ensure, &[&source]).await?;
        let advance = "update projection set applied = $3 where source = $1 and applied = $2";
        if transaction.execute(advance, &[&source, &from, &to]).await? == 0 {
            return Ok(false);
        }
        for projection in self.projections {
            for (statement, deleted) in [(projection.delete, true), (projection.upsert, false)] {
                let bodies = bodies(&changes, projection.kind, deleted);
                if bodies.as_array().is_some_and(|bodies| !bodies.is_empty()) {
                    transaction.execute(statement, &[&bodies]).await?;
                }
            }
        }
        transaction.commit().await?;
        Ok(true)
    }
}

fn bodies(changes: &[Change], kind: &str, deleted: bool) -> Value {
    let wanted = changes.iter().filter(|change| change.kind == kind && change.deleted == deleted);
    wanted.map(|change| change.body.clone()).collect()
}

/// Bulk statements may touch a row once, so only the newest change per key is kept.
fn newest_per_key(changes: Vec<Change>) -> Vec<Change> {
    let newest: HashMap<(String, String), i64> =
        changes.iter().map(|change| ((change.kind.clone(), change.key.clone()), change.position)).collect();
    let is_newest =
        |change: &Change| newest.get(&(change.kind.clone(), change.key.clone())) == Some(&change.position);
    changes.into_iter().filter(is_newest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(position: i64, key: &str) -> Change {
        Change { position, kind: "person".to_owned(), key: key.to_owned(), deleted: false, body: Value::Null }
    }

    #[test]
    fn only_the_newest_change_of_a_key_is_applied_in_order() {
        let kept = newest_per_key(vec![change(1, "a"), change(2, "b"), change(3, "a"), change(4, "c")]);
        let kept: Vec<_> = kept.iter().map(|change| (change.position, change.key.as_str())).collect();
        assert_eq!(kept, [(2, "b"), (3, "a"), (4, "c")]);
    }
}
