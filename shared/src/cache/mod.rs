//! Settles how answers are kept: in each instance, shared through the cluster, loaded once per key, told apart by age and version.
//!
//! Why: on a surge everybody asks for the same few things, and the database should be asked once. When it trips: an
//! entry older than `fresh` is still answered while one flight fetches the next (stale-while-revalidate, RFC 5861), and an
//! entry that cannot be fetched anew is answered with its age up to `stale_if_error`. How it recovers: the next flight that
//! succeeds. Who changes something raises the version of its tag in the same transaction and tells every instance;
//! an entry read before that is not answered any more, and can never replace a newer one.

mod entry;
mod flight;
mod freshness;
mod held;
mod load;
mod tag;
mod versions;

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::attribution::Cause;
use crate::clock::SharedClock;
use crate::context::Context;
use crate::ids;
use crate::redis::{Cluster, Key};
pub use entry::Policy;
use entry::{Entry, Use};
use flight::{Flight, Flights};
pub use freshness::{Fingerprint, Freshness};
use held::Held;
pub use load::{LoadFailed, Loaded};
pub use tag::{raise, version_of};
use versions::Versions;

/// Entries held per instance.
const HELD_ENTRIES: u64 = 20_000;
/// Time for one load, whoever waits for it.
const LOAD_LIMIT: Duration = Duration::from_secs(3);

/// Flights that one question takes at most.
const FLIGHTS_TAKEN: usize = 2;

/// An answer from the cache. It keeps the thing as long as it lives, whatever becomes of the cache's own.
#[derive(Debug)]
pub struct Cached<V> {
    held: Arc<Held<V>>,
    /// Whether it is current; an answer made of it states its age where it is not.
    pub freshness: Freshness,
}

impl<V> Cached<V> {
    /// The thing, or that there is none.
    pub fn value(&self) -> Option<&V> {
        self.held.entry.value.as_ref()
    }
}

impl<V> From<Arc<Held<V>>> for Cached<V> {
    fn from(held: Arc<Held<V>>) -> Self {
        Self { freshness: Freshness::Current(held.entry.fingerprint), held }
    }
}

type Arrived<V> = Result<Arc<Held<V>>, LoadFailed>;

/// One kind of answers. Cloning shares them.
pub struct Cache<V> {
    inner: Arc<Inner<V>>,
    is_ablated: bool,
}

impl<V> Clone for Cache<V> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), is_ablated: self.is_ablated }
    }
}

struct Inner<V> {
    name: &'static str,
    policy: Policy,
    held: moka::sync::Cache<String, Arc<Held<V>>>,
    flights: Flights<Arrived<V>>,
    versions: Versions,
    cluster: Cluster,
    clock: SharedClock,
}

impl<V: Serialize + DeserializeOwned + Send + Sync + 'static> Cache<V> {
    /// A cache named `name` within its service; entries are shared through `cluster`.
    pub fn new(
        name: &'static str,
        policy: Policy,
        cluster: Cluster,
        clock: SharedClock,
        engine: Handle,
    ) -> Self {
        let held = moka::sync::Cache::builder()
            .max_capacity(HELD_ENTRIES)
            .time_to_live(policy.stale_if_error.max(policy.fresh * 2))
            .build();
        let (flights, versions) = (Flights::new(engine), Versions::new());
        let inner = Inner { name, policy, held, flights, versions, cluster, clock };
        Self { inner: Arc::new(inner), is_ablated: false }
    }

    /// Remembers nothing, and whoever asks loads for themselves: what proofs compare with.
    #[must_use]
    pub fn ablated(self, is_ablated: bool) -> Self {
        Self { is_ablated, ..self }
    }

    /// The thing behind `key`; `tag` is what its version belongs to, always the same for
    /// a key. `load` is called only when no flight for the key is under way.
    pub async fn get<F>(
        &self,
        context: &Context,
        tag: &str,
        key: &str,
        load: impl Fn(Context) -> F,
    ) -> Result<Cached<V>, LoadFailed>
    where
        F: Future<Output = Result<Loaded<V>, LoadFailed>> + Send + 'static,
    {
        if self.is_ablated {
            context.tally().cache(false);
            return Ok(self.hold(self.load(context, load(context.clone())).await?).into());
        }
        let held = self.inner.held.get(key);
        let good_for = held.as_ref().map_or(Use::Expired, |held| self.good_for(held, tag));
        context.tally().cache(matches!(good_for, Use::Fresh | Use::Revalidate));
        match (held, good_for) {
            (Some(held), Use::Fresh) => Ok(held.into()),
            (Some(held), Use::Revalidate) => {
                self.start(tag, key, &load);
                Ok(held.into())
            }
            (_, _) => self.fetch(context, tag, key, &load).await,
        }
    }

    /// Waits for a flight. One that took off before a change brings what was before it: its passengers change once.
    async fn fetch<F>(
        &self,
        context: &Context,
        tag: &str,
        key: &str,
        load: impl Fn(Context) -> F,
    ) -> Result<Cached<V>, LoadFailed>
    where
        F: Future<Output = Result<Loaded<V>, LoadFailed>> + Send + 'static,
    {
        for _ in 0..FLIGHTS_TAKEN {
            match self.wait(context, self.start(tag, key, &load)).await {
                Ok(held) if self.usable(&held.entry, tag) == Use::LastResort => {}
                Ok(held) => return Ok(held.into()),
                Err(error) => return self.last_resort(tag, key).ok_or(error),
            }
        }
        let failed = || LoadFailed::passing("it changes faster than it can be read", Cause::Unexplained);
        self.last_resort(tag, key).ok_or_else(failed)
    }

    /// Raises a tag's version after the change has been committed: here at once, everywhere else by telling.
    pub async fn invalidate(&self, context: &Context, tag: &str, version: i64) {
        self.inner.versions.learn(tag, version);
        if let Err(error) = versions::tell(&self.inner.cluster, &self.stream(), context, tag, version).await {
            tracing::warn!(%error, cache = self.inner.name, "other instances were not told of a change; their entries age by themselves");
        }
    }

    /// The worker that hears what other instances change.
    pub async fn hear(self, stop: CancellationToken) {
        let (versions, cluster) = (self.inner.versions.clone(), self.inner.cluster.clone());
        let held = self.inner.held.clone();
        let (stream, clock) = (self.stream(), self.inner.clock.clone());
        versions::hear(versions, cluster, stream, clock, move || held.invalidate_all(), stop).await;
    }

    fn start<F>(&self, tag: &str, key: &str, load: impl Fn(Context) -> F) -> Flight<Arrived<V>>
    where
        F: Future<Output = Result<Loaded<V>, LoadFailed>> + Send + 'static,
    {
        self.inner.flights.join(key, || {
            let context = Context::background(self.inner.clock.clone(), LOAD_LIMIT);
            let loading = load(context.clone());
            let (this, tag, key) = (self.clone(), tag.to_owned(), key.to_owned());
            let flying = context.clone();
            (context, Box::pin(async move { this.fly(&flying, &tag, &key, loading).await }))
        })
    }

    /// Asks the shared level first, then loads; keeps what it brings on both levels.
    async fn fly(
        &self,
        context: &Context,
        tag: &str,
        key: &str,
        loading: impl Future<Output = Result<Loaded<V>, LoadFailed>> + Send,
    ) -> Arrived<V> {
        if let Some(entry) =
            self.find_shared(context, key).await.filter(|entry| self.usable(entry, tag) == Use::Fresh)
        {
            return Ok(self.keep(tag, key, entry));
        }
        let entry = self.load(context, loading).await?;
        self.share(context, key, &entry).await;
        Ok(self.keep(tag, key, entry))
    }

    async fn load(
        &self,
        context: &Context,
        loading: impl Future<Output = Result<Loaded<V>, LoadFailed>> + Send,
    ) -> Result<Entry<V>, LoadFailed> {
        let limit = remaining(context)?;
        let loaded = tokio::time::timeout(limit, loading).await;
        let cause = || context.waits().explain(limit, context.clock().now());
        let loaded = loaded.map_err(|_| LoadFailed::passing("the load took too long", cause()))??;
        Ok(Entry {
            fingerprint: Fingerprint::of(loaded.version, &loaded.value),
            value: loaded.value,
            version: loaded.version,
            loaded_at_ms: self.now_ms(),
            jitter: ids::random().random_range(-100..=100),
        })
    }

    /// Waits as long as the asker may; what the flight waits for is what the asker waits for.
    async fn wait(&self, context: &Context, mut flight: Flight<Arrived<V>>) -> Arrived<V> {
        let limit = remaining(context)?;
        let start = context.clock().now();
        let arrived = tokio::time::timeout(limit, flight.arrival()).await;
        let (cause, now) = (flight.cause(), context.clock().now());
        context.waits().add(cause, now.saturating_duration_since(start), now);
        let outcome = arrived.map_err(|_| LoadFailed::passing("the load takes too long", cause))?;
        outcome.unwrap_or_else(|| Err(LoadFailed::passing("the load broke off", Cause::Unexplained)))
    }

    /// What is held and not too old to be told, with its age.
    fn last_resort(&self, tag: &str, key: &str) -> Option<Cached<V>> {
        let held = self.inner.held.get(key)?;
        let is_usable = self.usable(&held.entry, tag) != Use::Expired;
        let freshness = Freshness::Stale(held.entry.age(self.now_ms()));
        is_usable.then_some(Cached { held, freshness })
    }

    /// Keeps an entry unless a newer version is held: a slow load never takes a key back. Returns what is held then.
    fn keep(&self, tag: &str, key: &str, entry: Entry<V>) -> Arc<Held<V>> {
        self.inner.versions.learn(tag, entry.version);
        let fresh = self.hold(entry);
        let newer = |held: Option<moka::Entry<String, Arc<Held<V>>>>| match held {
            Some(held) if held.value().entry.version > fresh.entry.version => held.into_value(),
            Some(_) | None => Arc::clone(&fresh),
        };
        self.inner.held.entry(key.to_owned()).and_upsert_with(newer).into_value()
    }

    fn hold(&self, entry: Entry<V>) -> Arc<Held<V>> {
        Arc::new(Held::new(entry, &self.inner.policy, &*self.inner.clock))
    }

    /// As [`Self::usable`], with the answer for a fresh entry remembered.
    fn good_for(&self, held: &Held<V>, tag: &str) -> Use {
        let news = self.inner.versions.news();
        if held.is_known_fresh(self.inner.clock.coarse_ms(), news) {
            return Use::Fresh;
        }
        let good_for = self.usable(&held.entry, tag);
        if matches!(good_for, Use::Fresh | Use::Revalidate) {
            held.was_current_at(news);
        }
        good_for
    }

    fn usable(&self, entry: &Entry<V>, tag: &str) -> Use {
        entry.usable(&self.inner.policy, self.now_ms(), self.inner.versions.known(tag))
    }

    async fn find_shared(&self, context: &Context, key: &str) -> Option<Entry<V>> {
        let shared = self.shared_key(key);
        let mut command = redis::cmd("GET");
        command.arg(&shared);
        let text: Option<String> = self.inner.cluster.run(context, &shared, &command).await.ok()?;
        // Written by another release: not understood, so not there.
        serde_json::from_str(&text?).ok()
    }

    /// The shared level is a help, not a duty: without it each instance loads for itself.
    async fn share(&self, context: &Context, key: &str, entry: &Entry<V>) {
        let shared = self.shared_key(key);
        let lifetime_ms = u64::try_from(self.inner.policy.fresh.as_millis()).unwrap_or(u64::MAX);
        let Ok(text) = serde_json::to_string(entry) else { return };
        let mut command = redis::cmd("SET");
        command.arg(&shared).arg(text).arg("PX").arg(lifetime_ms);
        let _ = self.inner.cluster.run::<()>(context, &shared, &command).await;
    }

    fn shared_key(&self, key: &str) -> Key {
        self.inner.cluster.key(&format!("cache:{}:{key}", self.inner.name))
    }

    fn stream(&self) -> Key {
        self.inner.cluster.key(&format!("cache:{{{}}}", self.inner.name))
    }

    fn now_ms(&self) -> i64 {
        self.inner.clock.utc().timestamp_millis()
    }
}

fn remaining(context: &Context) -> Result<Duration, LoadFailed> {
    let passed = |_| LoadFailed::passing("the deadline has passed", Cause::Deadline);
    context.remaining_up_to(LOAD_LIMIT).map_err(passed)
}
