//! Settles how accounts of responses are worked off: a few at a time in whichever instance, for as long as auth takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::clock::SharedClock;
use shared::context::Context;
use shared::resilience::backoff::Backoff;
use shared::siblings::{self, Sibling};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::domain::account_response::{AccountResponses, Outcome};
use crate::error::Error;
use crate::store::account_response::Due;
use crate::upstream::auth::{Containment, contain};

/// How often an instance looks for accounts that wait.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Accounts at a time: auth commits revocations one after the other, and people's sign-ins are to get in between.
const AT_ONCE: i64 = 8;
/// Time for auth's answer.
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// Time for each of our own transactions.
const STEP_LIMIT: Duration = Duration::from_secs(2);
/// An account is taken for longer than the steps take together; after that another instance may take it.
const TAKEN_FOR: TimeDelta = TimeDelta::seconds(15);
/// Pauses of an account while auth is away: nobody gives it up, and nobody hammers at auth.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(15));
/// Pauses of the worker while our own database is away.
const WORKER_BACKOFF: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));

/// How much waits for auth, as this instance saw it last. Cloning shares it.
#[derive(Clone, Default)]
pub struct Waiting(Arc<Seen>);

#[derive(Default)]
struct Seen {
    accounts: AtomicI64,
    /// Unix milliseconds; 0 while nothing waits.
    since_ms: AtomicI64,
}

impl Waiting {
    /// For `/statusz`: how many accounts, and since when.
    pub fn report(&self) -> Value {
        let since = DateTime::from_timestamp_millis(self.0.since_ms.load(Ordering::Relaxed));
        let accounts = self.0.accounts.load(Ordering::Relaxed);
        json!({ "waiting_for_auth": accounts, "since": since.filter(|_| accounts > 0) })
    }
}

/// Works off accounts that wait.
pub struct Worker {
    responses: AccountResponses,
    auth: Sibling,
    clock: SharedClock,
    waiting: Waiting,
}

impl Worker {
    /// By auth's answers.
    pub fn new(responses: AccountResponses, auth: Sibling, clock: SharedClock, waiting: Waiting) -> Self {
        Self { responses, auth, clock, waiting }
    }

    /// Until it is stopped.
    pub async fn run(self, stop: CancellationToken) {
        let mut failures = 0;
        while !stop.is_cancelled() {
            let pause = match self.work_off().await {
                Ok(true) => {
                    failures = 0;
                    continue;
                }
                Ok(false) => {
                    failures = 0;
                    LOOK_EVERY
                }
                Err(error) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!(%error, "stolen accounts wait: the next ones could not be taken up");
                    }
                    WORKER_BACKOFF.pause(failures)
                }
            };
            let looking = async {
                tokio::select! { () = sleep(pause) => {}, () = self.responses.begun() => {} }
            };
            stop.run_until_cancelled(looking).await;
        }
    }

    /// One batch. Returns whether there was one.
    async fn work_off(&self) -> Result<bool, Error> {
        let (count, since) = self.responses.waiting(&self.step()).await?;
        self.waiting.0.accounts.store(count, Ordering::Relaxed);
        let since_ms = since.map_or(0, |since| since.timestamp_millis());
        self.waiting.0.since_ms.store(since_ms, Ordering::Relaxed);
        if count == 0 {
            return Ok(false);
        }
        let due = self.responses.take(&self.step(), TAKEN_FOR, AT_ONCE).await?;
        let outcomes = join_all(due.iter().map(|one| self.work_on(one))).await;
        outcomes.into_iter().collect::<Result<Vec<()>, Error>>()?;
        Ok(!due.is_empty())
    }

    async fn work_on(&self, due: &Due) -> Result<(), Error> {
        let context = Context::background(self.clock.clone(), CALL_LIMIT);
        let key = format!("account-response:{}:{}", due.response_id, due.person_id);
        let containment =
            Containment { reason: &due.reason, authority: &due.authority, incident: due.incident_id };
        let answer = contain(&self.auth, &context, due.person_id, &key, &containment).await;
        let outcome = match answer {
            Ok(epoch) => Outcome::Contained(epoch),
            Err(siblings::Error::Refused(_, status)) if status.as_u16() == 404 => Outcome::NoAccount,
            Err(error) => return self.put_back(due, &error).await,
        };
        self.responses.settle(&self.step(), due, outcome).await
    }

    async fn put_back(&self, due: &Due, error: &siblings::Error) -> Result<(), Error> {
        let attempts = u32::try_from(due.attempts).unwrap_or(1);
        tracing::warn!(%error, response = %due.response_id, attempts, "an account could not be contained yet");
        let waiting_for = if error.retryable() { "auth_unreachable" } else { "auth_refuses" };
        let pause = TimeDelta::from_std(BACKOFF.pause(attempts)).unwrap_or(TAKEN_FOR);
        self.responses.put_back(&self.step(), due, pause, waiting_for).await
    }

    fn step(&self) -> Context {
        Context::background(self.clock.clone(), STEP_LIMIT)
    }
}
