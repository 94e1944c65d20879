//! Settles how the log of one service grows: leaves get positions, subtrees their hashes, and the tree its checkpoints.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::merkle;
use super::{Checkpoint, Checkpoints, Error, nodes};
use crate::clock::SharedClock;
use crate::context::Context;
use crate::pg::{Database, Row, Work};
use crate::sequence::Sequence;

/// How often the sequencer looks: half of the second within which an entry has its position.
const SEQUENCE_EVERY: Duration = Duration::from_millis(500);
/// Pause after a failure.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
const STEP_LIMIT: Duration = Duration::from_secs(30);
/// The lock is "audt" in ASCII. A batch's leaves are in memory together, so it is small.
const SEQUENCE: Sequence = Sequence { table: "audit_leaf", lock: 0x6175_6474, batch: 1_000 };

/// Entries without a position are counted up to here.
const MOST_COUNTED: i64 = 10_000;

/// How far a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Entries with a position, which is also the last position.
    pub entries: u64,
    /// Entries without one yet, counted up to 10,000.
    pub waiting: u64,
    /// Entries that the last checkpoint covers; none without a checkpoint.
    pub signed: Option<u64>,
    /// Seconds since the last checkpoint. It grows while nothing is appended, because then none is due.
    pub checkpoint_age_s: Option<i64>,
}

/// The log. Cloning shares its engines.
#[derive(Clone)]
pub struct Log {
    origin: Arc<str>,
    database: Database,
    clock: SharedClock,
    checkpoints: Option<Checkpoints>,
}

impl Log {
    /// The log of `service`, signed where there is somewhere to put checkpoints.
    pub fn new(
        service: &str,
        database: Database,
        clock: SharedClock,
        checkpoints: Option<Checkpoints>,
    ) -> Self {
        Self { origin: format!("ent/{service}").into(), database, clock, checkpoints }
    }

    /// What checkpoints of this log call it.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The worker: safe to run in every instance, one sequences at a time.
    pub async fn run(self, stop: CancellationToken) {
        let mut last_checkpoint = None;
        while !stop.is_cancelled() {
            let pause = match self.sequence().await {
                Ok(0) => SEQUENCE_EVERY,
                Ok(_) => Duration::ZERO,
                Err(error) => {
                    tracing::warn!(%error, "entries of the audit log could not be sequenced");
                    FAILURE_PAUSE
                }
            };
            let every = self.checkpoints.as_ref().map_or(Duration::MAX, |checkpoints| checkpoints.every);
            let now = self.clock.now();
            let is_due = last_checkpoint.is_none_or(|last| now.saturating_duration_since(last) >= every);
            if is_due && pause != Duration::ZERO {
                last_checkpoint = Some(now);
                self.try_checkpoint().await;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
        // What the last requests did is signed before the process ends.
        self.try_checkpoint().await;
    }

    async fn try_checkpoint(&self) {
        match self.checkpoint().await {
            Ok(_) | Err(Error::NotConfigured) => {}
            Err(error) if error.retryable() => tracing::warn!(%error, "the audit log has no new checkpoint"),
            Err(error) => tracing::error!(%error, "the audit log is not signed any more"),
        }
    }

    /// Gives positions to one batch of committed leaves, and to the tree their hashes. Returns how many.
    pub async fn sequence(&self) -> Result<u64, Error> {
        let context = Context::background(self.clock.clone(), STEP_LIMIT);
        if !SEQUENCE.is_waiting(&mut self.database.reader(&context, Work::Background).await?).await? {
            return Ok(0);
        }
        let mut transaction = self.database.begin(&context, Work::Background).await?;
        let count = SEQUENCE.give_positions(&mut transaction).await?;
        if count == 0 {
            return Ok(0);
        }
        let (mut size, mut frontier) = nodes::frontier(&mut transaction).await?;
        let find = "select content from audit_leaf where position > $1 order by position";
        let after = i64::try_from(size).unwrap_or(i64::MAX);
        let leaves = transaction.query(find, &[&after]).await?;
        let mut completed = Vec::with_capacity(leaves.len() * 2);
        for leaf in &leaves {
            let hash = merkle::leaf_hash(leaf.get::<_, &str>(0).as_bytes());
            completed.extend(merkle::append(&mut frontier, size, hash));
            size += 1;
        }
        nodes::insert(&mut transaction, &completed).await?;
        transaction.commit().await?;
        Ok(count)
    }

    /// Signs the tree if it has grown. A tree that does not continue the last checkpoint is not signed.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, Error> {
        let checkpoints = self.checkpoints()?;
        let context = Context::background(self.clock.clone(), STEP_LIMIT);
        let mut reader = self.database.reader(&context, Work::Background).await?;
        let size = nodes::size(&mut reader).await?;
        let last = checkpoints.latest().await?;
        let signed = last.as_ref().map_or(0, |checkpoint| checkpoint.tree.size);
        if size == signed {
            return Ok(None);
        }
        if size < signed {
            return Err(Error::Rewritten { size, signed });
        }
        let tree = nodes::tree(&mut reader, size).await?;
        if let Some(last) = last {
            let proof = nodes::hashes(&mut reader, &merkle::consistency_path(signed, size)).await?;
            if !merkle::is_consistent(&last.tree, &tree, &proof) {
                return Err(Error::Rewritten { size, signed });
            }
        }
        let checkpoint = Checkpoint { origin: self.origin.to_string(), tree, at: self.clock.utc() };
        checkpoints.write(&checkpoint).await?;
        Ok(Some(checkpoint))
    }

    /// How far the log is.
    pub async fn progress(&self, context: &Context) -> Result<Progress, Error> {
        let mut reader = self.database.reader(context, Work::Background).await?;
        let entries = nodes::size(&mut reader).await?;
        let waiting =
            "select count(*) from (select 1 from audit_leaf where position is null limit $1) as waiting";
        let waiting = reader.query_one(waiting, &[&MOST_COUNTED]).await?.get::<_, i64>(0).unsigned_abs();
        let last = match &self.checkpoints {
            Some(checkpoints) => checkpoints.latest().await?,
            None => None,
        };
        let age = |checkpoint: &Checkpoint| (self.clock.utc() - checkpoint.at).num_seconds();
        Ok(Progress {
            entries,
            waiting,
            signed: last.as_ref().map(|checkpoint| checkpoint.tree.size),
            checkpoint_age_s: last.as_ref().map(age),
        })
    }

    /// Entries after `after`, up to `last`, at most `limit`: positions and contents.
    pub(super) async fn entries(
        &self,
        after: u64,
        last: u64,
        limit: i64,
    ) -> Result<Vec<(u64, String)>, Error> {
        let number = |position: u64| i64::try_from(position).unwrap_or(i64::MAX);
        let sql = "select position, content from audit_leaf
                   where position > $1 and position <= $2 order by position limit $3";
        let rows = self.reader().await?.query(sql, &[&number(after), &number(last), &limit]).await?;
        Ok(rows.iter().map(|row: &Row| (row.get::<_, i64>(0).unsigned_abs(), row.get(1))).collect())
    }

    pub(super) async fn reader(&self) -> Result<crate::pg::Reader, Error> {
        let context = Context::background(self.clock.clone(), STEP_LIMIT);
        Ok(self.database.reader(&context, Work::Background).await?)
    }

    /// Where its checkpoints are, and what signs them.
    pub fn checkpoints(&self) -> Result<&Checkpoints, Error> {
        self.checkpoints.as_ref().ok_or(Error::NotConfigured)
    }
}
