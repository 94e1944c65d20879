//! Settles what is done beside requests for those who listen: news get their order and are read once for all of them; streams are shown to be alive, and end with their session.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::clock::SharedClock;
use shared::context::Context;
use shared::health::{Phase, Readiness};
use shared::http::WorkerLoads;
use shared::pg::{self, Database, Work};
use shared::redis::Bell;
use shared::service::Kit;
use shared::session::{Claims, Refusal, Verifier};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::domain::event::Events;
use crate::domain::event::notice::{Ending, Notice};
use crate::domain::event::streams::Streams;
use crate::store;
use crate::store::event::SEQUENCE;

/// How often positions are given: the delay that news have before anybody hears of them.
const SEQUENCE_EVERY: Duration = Duration::from_millis(200);
/// News that are read in one go.
const BATCH: i64 = 500;
/// Pause after a failure.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// Time for one batch.
const LIMIT: Duration = Duration::from_secs(10);
/// Between two readings while the workers shed: news wait before anybody's request does.
const PRESSED_PAUSE: Duration = Duration::from_secs(5);
/// How often it is looked whether sessions have ended. Revocations are seen at the next look, expired tokens at every fourth.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const LOOKS_A_SECOND: u64 = 4;

/// Starts all of it; streams are shown to be alive every `alive_s` seconds.
pub fn start(events: &Events, kit: &Kit, verifier: &Verifier, alive_s: u64) {
    let bell = Bell::new("bell:{mail}", kit.cluster.clone(), kit.clock.clone());
    let (database, clock) = (kit.database.clone(), kit.clock.clone());
    let sequencer = Sequencer { database: database.clone(), clock: clock.clone(), bell: bell.clone() };
    kit.workers.spawn(|stop| until(stop, sequencer.run()));
    let streams = events.streams().clone();
    let teller = Teller { database, clock, streams: streams.clone(), loads: kit.loads.clone(), done: None };
    kit.workers.spawn(|stop| until(stop, teller.run(bell)));
    let keeper = Keeper { streams, verifier: verifier.clone(), readiness: kit.readiness.clone(), alive_s };
    kit.workers.spawn(|stop| until(stop, keeper.run()));
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    stop.run_until_cancelled(work).await;
}

/// Gives positions, and wakes those who read. Safe to run in every instance: one at a time works.
struct Sequencer {
    database: Database,
    clock: SharedClock,
    bell: Bell,
}

impl Sequencer {
    async fn run(self) {
        loop {
            let pause = match self.sequence().await {
                Ok(0) => SEQUENCE_EVERY,
                Ok(count) => {
                    self.bell.ring().await;
                    // No oftener, as each time costs a commit, and on a slow disk those of senders wait behind it.
                    let has_more = i64::try_from(count).is_ok_and(|count| count >= SEQUENCE.batch);
                    if has_more { Duration::ZERO } else { SEQUENCE_EVERY }
                }
                Err(error) => {
                    tracing::warn!(%error, "news of mailboxes get no order");
                    FAILURE_PAUSE
                }
            };
            sleep(pause).await;
        }
    }

    async fn sequence(&self) -> Result<u64, pg::Error> {
        let context = Context::background(self.clock.clone(), LIMIT);
        if !SEQUENCE.is_waiting(&mut self.database.reader(&context, Work::Background).await?).await? {
            return Ok(0);
        }
        let mut transaction = self.database.begin(&context, Work::Background).await?;
        let count = SEQUENCE.give_positions(&mut transaction).await?;
        transaction.commit().await?;
        Ok(count)
    }
}

/// Reads news once for all streams of this instance.
struct Teller {
    database: Database,
    clock: SharedClock,
    streams: Streams,
    loads: WorkerLoads,
    /// Up to where everything has been told.
    done: Option<i64>,
}

impl Teller {
    async fn run(mut self, bell: Bell) {
        let mut listener = bell.listener();
        let mut is_failing = false;
        loop {
            match self.tell_news().await {
                Ok(true) => {}
                Ok(false) => listener.wait().await,
                Err(error) => {
                    if !is_failing {
                        tracing::warn!(%error, "news of mailboxes cannot be read; they are told later");
                    }
                    sleep(FAILURE_PAUSE).await;
                    is_failing = true;
                    continue;
                }
            }
            is_failing = false;
            if self.loads.is_shedding() && self.done.is_some() {
                sleep(PRESSED_PAUSE).await;
            }
        }
    }

    /// Tells the next batch. Returns whether there is more.
    async fn tell_news(&mut self) -> Result<bool, pg::Error> {
        let context = Context::background(self.clock.clone(), LIMIT);
        let mut reader = self.database.reader(&context, Work::Background).await?;
        let last = store::event::last_position(&mut reader).await?;
        let Some(after) = self.done else {
            // Whoever listens already may have read more by now: the first batch is read after this.
            self.done = Some(self.streams.begin(last));
            return Ok(true);
        };
        if last < after {
            tracing::error!(
                last,
                after,
                "news that were told are gone: was the database restored from a backup?"
            );
            self.streams.watch(last);
            self.streams.tell_all(last, &Notice::Resync);
        }
        if last <= after {
            self.done = Some(last);
            return Ok(false);
        }
        let upto = last.min(after + BATCH);
        let watched = self.streams.watch(upto);
        if !watched.is_empty() {
            let events = store::event::list_of_many(&mut reader, (after, upto), &watched).await?;
            let people: BTreeSet<Uuid> = events.iter().map(|event| event.person_id).collect();
            let touched: Vec<_> = watched.into_iter().filter(|(_, person)| people.contains(person)).collect();
            let unread = store::event::count_unread_of_many(&mut reader, &touched).await?;
            for event in events {
                let (person, position) = (event.person_id, event.position);
                if let Some(notice) = Notice::of(event) {
                    self.streams.tell(person, position, &notice);
                }
            }
            for person in people {
                self.streams.tell_unread(person, upto, |school| unread.get(&(school, person)).copied());
            }
        }
        self.done = Some(upto);
        Ok(upto < last)
    }
}

/// Ends streams whose session has ended, all of them when the instance stops, and shows the others to be alive.
struct Keeper {
    streams: Streams,
    verifier: Verifier,
    readiness: Readiness,
    alive_s: u64,
}

impl Keeper {
    async fn run(self) {
        let (mut look, mut version) = (0_u64, self.verifier.version());
        loop {
            sleep(LOOK_EVERY).await;
            look += 1;
            if self.readiness.phase() == Phase::Draining {
                self.streams.end_where(|_| Some(Ending::Stopping));
                continue;
            }
            let newest = self.verifier.version();
            if newest != version || look.is_multiple_of(LOOKS_A_SECOND) {
                version = newest;
                self.streams.end_where(|claims| self.reason(claims));
            }
            self.streams.show_alive(look, self.alive_s * LOOKS_A_SECOND);
        }
    }

    fn reason(&self, claims: &Claims) -> Option<Ending> {
        match self.verifier.still_accepts(claims).err()? {
            Refusal::Revoked => Some(Ending::SessionEnded),
            Refusal::Expired => Some(Ending::TokenExpired),
            Refusal::Invalid | Refusal::NoKeys | Refusal::NoRevocations => None,
        }
    }
}
