//! Settles how people learn at once what comes and goes in their mailbox, and how nothing is lost while they are not listening.
//!
//! Every change of what recipients see leaves a row in its own transaction (`mail_event`), which gets its position once it is
//! committed. An id that a client has seen is such a position, whichever instance told it: all that came later is read for it from
//! the database when it comes back. What instances tell each other is only that there is something to read.

pub mod notice;
pub mod streams;

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use shared::context::Context;
use shared::pg::{self, Database, Reader, Work};
use shared::session::Claims;
use uuid::Uuid;

use self::notice::{Notice, Told, UnreadCount};
use self::streams::{Bounds, Listening, Streams};
use crate::error::Error;
use crate::store;

/// Whoever missed more than this in their schools reads everything anew: that costs less than telling it.
const MOST_MISSED: i64 = 2_000;

/// What is told to people. Cloning shares it.
#[derive(Clone)]
pub struct Events {
    database: Database,
    streams: Streams,
}

impl Events {
    /// Nobody listens yet.
    pub fn new(database: Database, bounds: Bounds) -> Self {
        Self { database, streams: Streams::new(bounds) }
    }

    /// Makes figures of the streams; they end when the service does.
    pub fn observe(&self, meter: &Meter) {
        let streams = self.streams.clone();
        let _open = meter
            .u64_observable_gauge("ent.event_streams.open")
            .with_description("Streams of news that are open.")
            .with_callback(move |gauge| {
                gauge.observe(u64::try_from(streams.count()).unwrap_or(u64::MAX), &[]);
            })
            .build();
        let streams = self.streams.clone();
        let _ended = meter
            .u64_observable_counter("ent.event_streams.ended")
            .with_description("Streams of news that this instance has ended.")
            .with_callback(move |counter| {
                for (ending, count) in streams.ended() {
                    counter.observe(count, &[KeyValue::new("reason", ending.name())]);
                }
            })
            .build();
    }

    /// The open streams.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Opens a stream: what was missed since the position `last`, how much is unread, and then what comes.
    pub async fn listen(
        &self,
        context: &Context,
        claims: Arc<Claims>,
        last: Option<i64>,
    ) -> Result<(Vec<Told>, Listening), Error> {
        let (schools, person) = (claims.schools(), claims.sub);
        let newest = self.newest(context).await?;
        // Before anything else is read, so that nothing comes between what is read now and what is told later.
        let opened = self.streams.open(claims, last, newest)?;
        let mut reader = self.database.reader(context, Work::Deferrable).await?;
        let span = last.map(|last| (last, opened.position));
        let missed = match span {
            Some(span) => missed(&mut reader, &schools, person, span).await?,
            None => Some(vec![]),
        };
        let position = match (&missed, last) {
            (Some(_), Some(last)) => Some(last.max(opened.position)),
            (Some(_), None) => Some(opened.position),
            (None, _) => {
                opened.listening.begin_after(opened.position);
                Some(opened.position)
            }
        };
        let mut first = missed.unwrap_or_else(|| vec![Told { position, notice: Notice::Resync }]);
        let unread_count = store::delivery::count_unread(&mut reader, &schools, person).await?;
        first.push(Told { position, notice: Notice::Unread(UnreadCount { unread_count }) });
        Ok((first, opened.listening))
    }

    /// Up to where everything was read for the open streams; in the first moment of an instance, all that there is.
    async fn newest(&self, context: &Context) -> Result<i64, pg::Error> {
        if let Some(position) = self.streams.position() {
            return Ok(position);
        }
        store::event::last_position(&mut self.database.reader(context, Work::Deferrable).await?).await
    }
}

/// What happened in a mailbox between two positions. `None` where it is too much, or not kept any more.
async fn missed(
    reader: &mut Reader,
    schools: &[Uuid],
    person: Uuid,
    (last, upto): (i64, i64),
) -> Result<Option<Vec<Told>>, pg::Error> {
    let newest = store::event::last_position(reader).await?;
    let oldest = store::event::first_position(reader).await?;
    // A position that was never given is of a database that has been restored since from an older copy.
    let is_known = last + 1 >= oldest && last <= newest;
    if !is_known || store::event::count(reader, schools, (last, upto), MOST_MISSED + 1).await? > MOST_MISSED {
        return Ok(None);
    }
    let events = store::event::list_of_one(reader, schools, person, (last, upto)).await?;
    let told = events.into_iter().filter_map(|event| {
        let position = Some(event.position);
        Notice::of(event).map(|notice| Told { position, notice })
    });
    Ok(Some(told.collect()))
}
