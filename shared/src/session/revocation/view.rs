//! Settles what an instance knows of revocations, how old that knowledge is, and which tokens and sessions it refuses.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use opentelemetry::metrics::Meter;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{News, Revocation, Scope};
use crate::clock::SharedClock;
use crate::session::{Claims, LONGEST_TOKEN_LIFE, Membership, OVERDUE_LIMIT};

/// Up to this age of what is known, everything goes on; beyond it nothing sensitive does.
pub const LAG_LIMIT: Duration = Duration::from_secs(5);
/// What was heard of longer ago is forgotten: the longest life of a token, the time it is accepted beyond that while auth
/// is away, and ten minutes for clocks that differ.
pub const KEPT: Duration =
    Duration::from_secs(LONGEST_TOKEN_LIFE.as_secs() + OVERDUE_LIMIT.as_secs() + 10 * 60);
/// Revocations remembered, about 100 bytes each. A view that should remember more counts as lagging.
const REMEMBERED: usize = 1_000_000;

/// What is revoked, as far as is known here. Cloning shares it.
#[derive(Clone)]
pub struct RevocationView(Arc<Inner>);

struct Inner {
    clock: SharedClock,
    known: RwLock<Known>,
    /// Changes with every revocation that is learned, so that what was checked once need not be again.
    version: AtomicU64,
    published: AtomicI64,
    /// Clock milliseconds plus one; 0 for never.
    synced: AtomicU64,
    /// The same: when auth was last heard of.
    heard: AtomicU64,
    opened_ms: u64,
    is_overfull: AtomicBool,
}

/// Two generations, so that forgetting costs nothing: what is in the older one was heard of at least [`KEPT`] after the
/// generation before it.
#[derive(Default)]
struct Known {
    young: HashMap<Scope, i64>,
    old: HashMap<Scope, i64>,
    turned_ms: u64,
    applied: i64,
}

/// What became of a revocation that was heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Raised {
    New,
    Known,
    NoRoom,
}

impl Known {
    fn epoch(&self, scope: &Scope) -> Option<i64> {
        let (young, old) = (self.young.get(scope), self.old.get(scope));
        young.max(old).copied()
    }

    fn is_above(&self, scope: Scope, epoch: i64) -> bool {
        self.epoch(&scope).is_some_and(|revoked| revoked > epoch)
    }

    /// Remembers a revocation; one that is older than what is known changes nothing.
    fn raise(&mut self, revocation: &Revocation) -> Raised {
        if self.epoch(&revocation.scope).is_some_and(|known| known >= revocation.epoch) {
            return Raised::Known;
        }
        if self.young.len() >= REMEMBERED && !self.young.contains_key(&revocation.scope) {
            return Raised::NoRoom;
        }
        self.young.insert(revocation.scope, revocation.epoch);
        Raised::New
    }

    /// Turns the generations when it is time; returns whether it was.
    fn forget(&mut self, now_ms: u64) -> bool {
        let is_time = now_ms.saturating_sub(self.turned_ms) >= millis(KEPT);
        if is_time {
            self.turned_ms = now_ms;
            self.old = std::mem::take(&mut self.young);
        }
        is_time
    }
}

impl RevocationView {
    /// Knows nothing yet.
    pub fn new(clock: SharedClock) -> Self {
        let opened_ms = clock.coarse_ms();
        Self(Arc::new(Inner {
            clock,
            known: RwLock::new(Known { turned_ms: opened_ms, ..Known::default() }),
            version: AtomicU64::new(0),
            published: AtomicI64::new(-1),
            synced: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            opened_ms,
            is_overfull: AtomicBool::new(false),
        }))
    }

    /// The moment that news asked for now, or appended from now on, can be as old as.
    pub fn now_ms(&self) -> u64 {
        self.0.clock.coarse_ms()
    }

    /// Takes in news that were read from auth's database no earlier than at `as_of_ms`.
    pub fn learn(&self, news: &News, as_of_ms: u64) {
        let applied = self.apply(news);
        self.0.published.fetch_max(news.published, Ordering::AcqRel);
        self.0.heard.fetch_max(as_of_ms + 1, Ordering::AcqRel);
        if applied >= news.published {
            self.0.synced.fetch_max(as_of_ms + 1, Ordering::AcqRel);
        }
    }

    /// Takes in a copy that was kept on disk: what it says is believed, and it proves nothing about now.
    pub fn recall(&self, copy: &News) {
        self.apply(copy);
        self.0.published.fetch_max(copy.upto, Ordering::AcqRel);
    }

    /// Auth answered, though not with news: it is not away.
    pub fn heard_of_auth(&self, as_of_ms: u64) {
        self.0.heard.fetch_max(as_of_ms + 1, Ordering::AcqRel);
    }

    /// What is known, for a copy on disk.
    pub fn copy(&self) -> News {
        let known = self.known();
        let merged = known.old.keys().chain(known.young.keys().filter(|key| !known.old.contains_key(*key)));
        let revocation = |scope: &Scope| Some(Revocation { scope: *scope, epoch: known.epoch(scope)? });
        let revocations = merged.filter_map(revocation).collect();
        News { after: 0, upto: known.applied, published: known.applied, revocations }
    }

    /// Up to which epoch nothing is missing.
    pub fn applied(&self) -> i64 {
        self.known().applied
    }

    /// Whether something is known to be missing.
    pub fn is_missing_any(&self) -> bool {
        self.0.published.load(Ordering::Acquire) > self.applied()
    }

    /// Whether anything was ever heard: before that nobody can be let in.
    pub fn is_known(&self) -> bool {
        self.0.published.load(Ordering::Acquire) >= 0
    }

    /// Changes whenever a revocation is learned.
    pub fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    /// How old what is known can be: since the opening where nothing was ever proved.
    pub fn lag(&self) -> Duration {
        if self.is_overfull() { Duration::MAX } else { self.since(&self.0.synced) }
    }

    /// The same as a figure, in seconds. One without end could not be told: where not all fits, anything that is kept may be missing.
    fn lag_s(&self) -> f64 {
        self.lag().min(KEPT).as_secs_f64()
    }

    /// For how long nothing was heard of auth.
    pub fn silence(&self) -> Duration {
        self.since(&self.0.heard)
    }

    /// Whether what is known is too old for sensitive acts.
    pub fn is_lagging(&self) -> bool {
        self.0.synced.load(Ordering::Acquire) == 0 || self.lag() > LAG_LIMIT
    }

    /// Whether a token was revoked: its session, its account, or any role that it carries.
    pub fn refuses(&self, claims: &Claims) -> bool {
        let known = self.known();
        known.epoch(&Scope::Session { sid: claims.sid }).is_some()
            || known.is_above(Scope::Account { person: claims.sub }, claims.ep)
            || claims.mem.iter().any(|membership| {
                let Membership { school, role, epoch } = *membership;
                known.is_above(Scope::Membership { school, person: claims.sub, role }, epoch)
                    || known.is_above(Scope::Role { school, role }, epoch)
                    || known.is_above(Scope::School { school }, epoch)
            })
    }

    /// Whether a session that was opened at `epoch` is over: itself, its account, a role or a school of its person.
    /// A membership of theirs that was withdrawn ends no session: their next token goes without it.
    pub fn ends(&self, sid: Uuid, person: Uuid, epoch: i64, memberships: &[Membership]) -> bool {
        let known = self.known();
        known.epoch(&Scope::Session { sid }).is_some()
            || known.is_above(Scope::Account { person }, epoch)
            || memberships.iter().any(|membership| {
                let Membership { school, role, .. } = *membership;
                known.is_above(Scope::Role { school, role }, epoch)
                    || known.is_above(Scope::School { school }, epoch)
            })
    }

    /// Whether a membership that was read at its epoch has been withdrawn since.
    pub fn withdraws(&self, person: Uuid, membership: &Membership) -> bool {
        let Membership { school, role, epoch } = *membership;
        self.known().is_above(Scope::Membership { school, person, role }, epoch)
    }

    /// `{lag_ms, applied, published, remembered, overfull}`, for `/statusz`; no lag where nothing was ever proved.
    pub fn report(&self) -> Value {
        let is_proved = self.0.synced.load(Ordering::Acquire) > 0;
        let lag_ms = is_proved.then(|| millis(self.since(&self.0.synced)));
        let known = self.known();
        json!({
            "lag_ms": lag_ms, "applied": known.applied, "published": self.0.published.load(Ordering::Acquire),
            "remembered": known.young.len() + known.old.len(), "overfull": self.is_overfull(),
        })
    }

    /// Makes the lag a figure of the service; it ends when the service does.
    pub fn observe(&self, meter: &Meter) {
        let view = self.clone();
        let _lag = meter
            .f64_observable_gauge("ent.revocation.lag")
            .with_unit("s")
            .with_description("How old what this instance knows of revocations can be.")
            .with_callback(move |gauge| gauge.observe(view.lag_s(), &[]))
            .build();
    }

    fn apply(&self, news: &News) -> i64 {
        let now_ms = self.now_ms();
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.forget(now_ms) {
            self.0.is_overfull.store(false, Ordering::Release);
        }
        let mut is_new = false;
        for revocation in &news.revocations {
            match known.raise(revocation) {
                Raised::New => is_new = true,
                Raised::Known => {}
                Raised::NoRoom => self.0.is_overfull.store(true, Ordering::Release),
            }
        }
        if news.after <= known.applied {
            known.applied = known.applied.max(news.upto);
        }
        if is_new {
            self.0.version.fetch_add(1, Ordering::AcqRel);
        }
        known.applied
    }

    fn is_overfull(&self) -> bool {
        self.0.is_overfull.load(Ordering::Acquire)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn since(&self, moment: &AtomicU64) -> Duration {
        let moment_ms = moment.load(Ordering::Acquire).checked_sub(1).unwrap_or(self.0.opened_ms);
        Duration::from_millis(self.now_ms().saturating_sub(moment_ms))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
