//! Settles how a feed gets its order and is read: one sequencer at a time gives positions to committed rows, then wakes the readers.

use std::time::Duration;

use actix_web::web;
use garde::Validate;
use tokio_util::sync::CancellationToken;

use super::{CHANGES_PATH, Change, PAGE_LIMIT, Page, PageQuery, bell_of};
use crate::clock::SharedClock;
use crate::context::Context;
use crate::http::Problem;
use crate::pg::{self, Database, Work};
use crate::redis::{Bell, Cluster};
use crate::sequence::Sequence;
use crate::service_token::CallingService;

/// How often the sequencer looks for rows without a position: the delay that a change has before siblings can see it.
const SEQUENCE_EVERY: Duration = Duration::from_millis(200);
/// Pause after a failure.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
const SEQUENCE_LIMIT: Duration = Duration::from_secs(30);
/// The lock is "feed" in ASCII.
const SEQUENCE: Sequence = Sequence { table: "change_feed", lock: 0x6665_6564, batch: 20_000 };

/// The owner's side of a feed. Cloning shares its engines.
#[derive(Clone)]
pub struct Publisher {
    database: Database,
    bell: Bell,
    clock: SharedClock,
}

impl Publisher {
    /// The feed of `owner`.
    pub fn new(owner: &'static str, database: Database, cluster: Cluster, clock: SharedClock) -> Self {
        Self { database, bell: bell_of(owner, cluster, clock.clone()), clock }
    }

    /// The sequencer: safe to run in every instance, one works at a time.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let pause = match self.sequence().await {
                Ok(0) => SEQUENCE_EVERY,
                Ok(count) => {
                    tracing::debug!(count, "changes published");
                    self.bell.ring().await;
                    Duration::ZERO
                }
                Err(error) => {
                    tracing::warn!(%error, "changes could not be sequenced");
                    FAILURE_PAUSE
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn sequence(&self) -> Result<u64, pg::Error> {
        let context = Context::background(self.clock.clone(), SEQUENCE_LIMIT);
        if !SEQUENCE.is_waiting(&mut self.database.reader(&context, Work::Background).await?).await? {
            return Ok(0);
        }
        let mut transaction = self.database.begin(&context, Work::Background).await?;
        let count = SEQUENCE.give_positions(&mut transaction).await?;
        transaction.commit().await?;
        Ok(count)
    }

    /// The page after a position.
    pub async fn page(&self, context: &Context, after: i64) -> Result<Page, pg::Error> {
        let mut reader = self.database.reader(context, Work::Background).await?;
        let changes = "select position, kind, key, deleted, body from change_feed
             where position > $1 order by position limit $2";
        let rows = reader.query(changes, &[&after, &PAGE_LIMIT]).await?;
        let published = "select coalesce(max(position), 0) from change_feed";
        let published = reader.query_one(published, &[]).await?.get(0);
        let change = |row: &pg::Row| Change {
            position: row.get(0),
            kind: row.get(1),
            key: row.get(2),
            deleted: row.get(3),
            body: row.get(4),
        };
        Ok(Page { changes: rows.iter().map(change).collect(), published })
    }
}

/// Serves the feed to siblings; needs the [`Publisher`] in the application's data.
pub fn changes_route(routes: &mut web::ServiceConfig) {
    routes.route(CHANGES_PATH, web::get().to(changes));
}

async fn changes(
    _sibling: CallingService,
    context: Context,
    publisher: web::Data<Publisher>,
    query: web::Query<PageQuery>,
) -> Result<web::Json<Page>, Problem> {
    query.validate().map_err(|_| {
        let detail = "after must be a position: 0 or more.";
        Problem::new(actix_web::http::StatusCode::BAD_REQUEST, "malformed_query", detail)
    })?;
    publisher.page(&context, query.after).await.map(web::Json).map_err(|error| {
        tracing::warn!(%error, "a page of the feed could not be read");
        Problem::unavailable("database_unavailable", "The feed cannot be read now: try again.")
    })
}
