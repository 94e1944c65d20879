//! Settles whose attempts at signing in are held back: strangers to an account as one class, a device, a network that tries name after name.
//!
//! Nobody is ever locked out behind an address: a network is judged by how many of its names fail, and when too many do, only
//! devices that the account does not know are slowed there. A device on which the person has signed in before has a counter
//! of its own (OWASP device cookies), so a guesser elsewhere cannot lock its owner out. The counters are in Redis, where all
//! instances meet; a shard that is away is replaced by what each instance has seen itself (`docs/decisions/0030`).

mod local;
#[cfg(test)]
mod model;
mod rules;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::{Value, json};
use shared::clock::SharedClock;
use shared::context::Context;
use shared::http::ClientNetwork;
use shared::redis::{self, Cluster};
use uuid::Uuid;

use super::device::Device;
use super::sealed::SealingKey;
use crate::error::Error;
use crate::store;
use local::Local;
pub use rules::{MOST_NAMES, Pauses, Share};

/// Where an attempt comes from.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// The device, if its cookie is one of ours.
    pub device: Option<&'a Device>,
    /// Its network; a school may be behind one.
    pub network: IpAddr,
    /// Its address, for what is kept of credentials.
    pub address: IpAddr,
}

impl<'a> Origin<'a> {
    /// A device behind an address.
    pub fn new(device: Option<&'a Device>, address: IpAddr) -> Self {
        Self { device, network: ClientNetwork::of(address).0, address }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Somebody signed in.
    Right,
    /// Nobody did, for what was typed was wrong.
    Wrong,
    /// What was typed was right as far as it went, or was never looked at.
    Open,
}

/// An attempt that may be made. It counts as failed until it is [`Attempts::end`]ed.
#[must_use = "an attempt that is not ended counts as failed"]
pub struct Attempt {
    counter: String,
    pauses: Pauses,
    is_known: bool,
    login: String,
    crowds: Vec<(String, Share)>,
}

/// Counts attempts. Cloning shares it.
#[derive(Clone)]
pub struct Attempts {
    cluster: Cluster,
    clock: SharedClock,
    key: SealingKey,
    local: Local,
    held_back: Arc<HeldBack>,
}

#[derive(Default)]
struct HeldBack {
    by_account: AtomicU64,
    by_crowd: AtomicU64,
    alone: AtomicU64,
}

impl Attempts {
    /// Counts in `cluster`, under names made with `secret`.
    pub fn new(secret: &[u8; 32], cluster: Cluster, clock: SharedClock) -> Self {
        let key = SealingKey::derive(secret, "attempts");
        Self { cluster, clock, key, local: Local::new(), held_back: Arc::default() }
    }

    /// To be asked before a password is looked at. `person` is whose login it is, if anybody's: the answer depends on it
    /// only where the device has proved that it knows the person.
    pub async fn begin(
        &self,
        context: &Context,
        login: &str,
        person: Option<Uuid>,
        origin: Origin<'_>,
    ) -> Result<Attempt, Error> {
        self.admit(context, self.attempt(login, person, origin)).await
    }

    /// The same for whoever types a code of an administrator: counted apart, so that guesses at a password keep nobody from that.
    pub async fn begin_code(
        &self,
        context: &Context,
        login: &str,
        origin: Origin<'_>,
    ) -> Result<Attempt, Error> {
        let attempt = self.attempt(login, None, origin);
        let counter = format!("c:{}", attempt.login);
        self.admit(context, Attempt { counter, pauses: Pauses::CODES, ..attempt }).await
    }

    /// The same for a one-time code of somebody who is signed in: counted by account, wherever the session is.
    pub async fn begin_step_up(&self, context: &Context, person: Uuid) -> Result<Attempt, Error> {
        let (counter, pauses) = (format!("t:{}", person.simple()), Pauses::KNOWN_DEVICE);
        self.admit(context, Attempt { counter, pauses, is_known: true, login: String::new(), crowds: vec![] })
            .await
    }

    async fn admit(&self, context: &Context, attempt: Attempt) -> Result<Attempt, Error> {
        // Asked at once: whoever is let in waits for one answer of Redis, with a place in the waiting room.
        let waits = attempt.crowds.iter().map(|(crowd, share)| self.wait(context, crowd, share));
        let charge = self.charge(context, &attempt.counter, &attempt.pauses);
        let (waits, charge_ms) = tokio::try_join!(try_join_all(waits), charge)?;
        let crowd_ms = waits.into_iter().max().unwrap_or(0);
        if crowd_ms > 0 && charge_ms == 0 {
            self.take_back(context, &attempt.counter).await?;
        }
        hold_back(crowd_ms, &self.held_back.by_crowd)?;
        hold_back(charge_ms, &self.held_back.by_account)?;
        Ok(attempt)
    }

    /// Settles an attempt. What cannot be written now counts as failed, and is forgotten in time.
    pub async fn end(&self, context: &Context, attempt: &Attempt, outcome: Outcome) -> Result<(), Error> {
        match outcome {
            Outcome::Right if attempt.is_known => self.forget(context, &attempt.counter).await?,
            Outcome::Right | Outcome::Open => self.take_back(context, &attempt.counter).await?,
            Outcome::Wrong => {}
        }
        let has_failed = match outcome {
            Outcome::Right => false,
            Outcome::Wrong => true,
            Outcome::Open => return Ok(()),
        };
        let notes = attempt
            .crowds
            .iter()
            .map(|(crowd, share)| self.note(context, crowd, share, &attempt.login, has_failed));
        try_join_all(notes).await.map(drop)
    }

    /// What `/statusz` says: attempts held back since the start, and counts that were this instance's alone.
    pub fn status(&self) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let HeldBack { by_account, by_crowd, alone } = &*self.held_back;
        json!({ "by_account": read(by_account), "by_crowd": read(by_crowd), "counted_alone": read(alone) })
    }

    fn attempt(&self, login: &str, person: Option<Uuid>, origin: Origin<'_>) -> Attempt {
        let login = self.key.name(&[b"login:", login.as_bytes()].concat());
        let known = person.and_then(|person| {
            let device = origin.device.filter(|device| device.known_since(person).is_some())?;
            Some(format!("d:{}:{}", device.id.simple(), person.simple()))
        });
        if let Some(counter) = known {
            return Attempt { counter, pauses: Pauses::KNOWN_DEVICE, is_known: true, login, crowds: vec![] };
        }
        let network = self.key.name(format!("network:{}", origin.network).as_bytes());
        let mut crowds = vec![(format!("n:{network}"), Share::NETWORK)];
        crowds.extend(origin.device.map(|device| (format!("v:{}", device.id.simple()), Share::DEVICE)));
        Attempt { counter: format!("a:{login}"), pauses: Pauses::STRANGERS, is_known: false, login, crowds }
    }

    async fn wait(&self, context: &Context, crowd: &str, share: &Share) -> Result<u64, Error> {
        let now_ms = self.now_ms();
        let answer = store::attempts::wait(&self.cluster, context, crowd, share, now_ms).await;
        self.or_alone(answer, || self.local.wait(crowd, share, now_ms))
    }

    async fn charge(&self, context: &Context, counter: &str, pauses: &Pauses) -> Result<u64, Error> {
        let now_ms = self.now_ms();
        let answer = store::attempts::charge(&self.cluster, context, counter, pauses, now_ms).await;
        self.or_alone(answer, || self.local.charge(counter, pauses, now_ms))
    }

    async fn take_back(&self, context: &Context, counter: &str) -> Result<(), Error> {
        let answer = store::attempts::take_back(&self.cluster, context, counter).await;
        self.or_alone(answer, || self.local.take_back(counter))
    }

    async fn forget(&self, context: &Context, counter: &str) -> Result<(), Error> {
        let answer = store::attempts::forget(&self.cluster, context, counter).await;
        self.or_alone(answer, || self.local.forget(counter))
    }

    async fn note(
        &self,
        context: &Context,
        crowd: &str,
        share: &Share,
        login: &str,
        has_failed: bool,
    ) -> Result<(), Error> {
        let answer = store::attempts::note(&self.cluster, context, crowd, share, login, has_failed).await;
        self.or_alone(answer, || self.local.note(crowd, login, has_failed))
    }

    fn or_alone<T>(&self, answer: Result<T, redis::Error>, alone: impl FnOnce() -> T) -> Result<T, Error> {
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) if error.retryable() => {
                self.held_back.alone.fetch_add(1, Ordering::Relaxed);
                Ok(alone())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.utc().timestamp_millis()).unwrap_or(0)
    }
}

fn hold_back(wait_ms: u64, counter: &AtomicU64) -> Result<(), Error> {
    if wait_ms == 0 {
        return Ok(());
    }
    counter.fetch_add(1, Ordering::Relaxed);
    Err(Error::HeldBack(Duration::from_millis(wait_ms)))
}
