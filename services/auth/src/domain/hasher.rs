//! Settles who gets a password checked and when: a bounded queue before a few threads that own their memory, and nobody's check after they have gone.
//!
//! A hash takes 16 ms of a core, whatever is done; so the only choices are how many run at once (as many as
//! there are cores), how many wait (a bound), and which are not worth starting (those whose deadline has passed
//! or whose asker has hung up). And how much of a machine they may take: where databases and front door share it, hash threads
//! rest between two hashes, so that whoever is signed in has the rest.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared::attribution::Cause;
use shared::clock::{SharedClock, system_clock};
use shared::context::Context;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::password::{self, Workspace};
use crate::error::Error;

/// As counts name what a sign-in waits for here.
pub const HASHES: Cause = Cause::Bulkhead("password_hashes");
/// Hash threads step back by so much behind the answers of everybody else, whatever the priority of the process is: three
/// quarters of a busy core go to those first.
const NICENESS: i32 = 5;
/// A thread makes up for so much of what the machine took from it; more would take it from everybody else in one go.
const MAKES_UP: Duration = Duration::from_millis(250);
/// The fastest hash is forgotten within hours, as machines change within hours: this share is added to it with each hash.
const FORGETTING: u32 = 100_000;
/// New passwords that may wait for a thread, beside those who sign in.
const MOST_MAKING: usize = 16;
/// What a hash is believed to take before any has been seen, in seconds.
const FIRST_HASH_S: f64 = 0.016;
/// No hash is believed to take less, in seconds.
const LEAST_HASH_S: f64 = 0.000_1;
/// Weight of one hash in the running mean.
const LEARNING: f64 = 0.05;

/// The hash threads and their queue. Cloning shares them; they end with the last clone.
#[derive(Clone)]
pub struct Hasher(Arc<Owner>);

struct Owner(Arc<Queue>);

struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    bound: usize,
    threads: u32,
    /// Share of its core that a thread hashes.
    share: f64,
    /// Seconds of one hash and the rest after it, as the bits of an `f64`: a running mean.
    hash_s: AtomicU64,
    computed: AtomicU64,
    /// Whose asker had gone when they were computed: work for nobody.
    unheard: AtomicU64,
    clock: SharedClock,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Check>,
    /// New passwords among them.
    making: usize,
    is_closed: bool,
}

struct Check {
    password: Zeroizing<String>,
    task: Task,
    deadline: Instant,
}

enum Task {
    /// Whether the password is the one behind a hash.
    Match(String, oneshot::Sender<Option<bool>>),
    /// The hash of a new password.
    Make(oneshot::Sender<Option<String>>),
}

impl Task {
    fn makes(&self) -> bool {
        match self {
            Self::Match(..) => false,
            Self::Make(_) => true,
        }
    }

    fn is_abandoned(&self) -> bool {
        match self {
            Self::Match(_, answer) => answer.is_closed(),
            Self::Make(answer) => answer.is_closed(),
        }
    }
}

impl Hasher {
    /// Starts `threads` threads, each of which takes at most this `share` of a core, with room for `bound` waiting checks.
    pub fn start(threads: usize, share: f64, bound: usize, clock: SharedClock) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::new(threads, share, bound, clock));
        for number in 0..threads {
            let queue = queue.clone();
            std::thread::Builder::new().name(format!("hash-{number}")).spawn(move || queue.work())?;
        }
        Ok(Self(Arc::new(Owner(queue))))
    }

    /// Whether `password` is the one behind `hash`; refused when the queue is full or the deadline passes first.
    pub async fn check(
        &self,
        context: &Context,
        password: Zeroizing<String>,
        hash: String,
    ) -> Result<bool, Error> {
        let (answer, answered) = oneshot::channel();
        let matches = self.ask(context, password, Task::Match(hash, answer), answered).await?;
        matches.ok_or_else(|| Error::Internal("a stored password hash cannot be used".to_owned()))
    }

    /// The hash of a new password, under the same rules.
    pub async fn make(&self, context: &Context, password: Zeroizing<String>) -> Result<String, Error> {
        let (answer, answered) = oneshot::channel();
        let made = self.ask(context, password, Task::Make(answer), answered).await?;
        made.ok_or_else(|| Error::Internal("a password cannot be hashed".to_owned()))
    }

    async fn ask<T>(
        &self,
        context: &Context,
        password: Zeroizing<String>,
        task: Task,
        answered: oneshot::Receiver<T>,
    ) -> Result<T, Error> {
        let left = context.remaining().map_err(|_| Error::SignInBusy)?;
        let deadline = context.clock().now() + left;
        self.0.0.push(Check { password, task, deadline })?;
        let _waiting = context.waiting(HASHES);
        let outcome = tokio::time::timeout(left, answered).await;
        outcome.map_err(|_| Error::SignInBusy)?.map_err(|_| Error::SignInBusy)
    }

    /// Checks per second, as the last ones went.
    pub fn rate(&self) -> f64 {
        f64::from(self.0.0.threads) / f64::from_bits(self.0.0.hash_s.load(Ordering::Relaxed))
    }

    /// Checks that can be at hand: in the queue and on the threads.
    pub fn holds(&self) -> u32 {
        u32::try_from(self.0.0.bound).unwrap_or(u32::MAX).saturating_add(self.0.0.threads)
    }

    /// `{computed, unheard}` since the start, for `/statusz`: hashes, and those whose asker had gone meanwhile.
    pub fn report(&self) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({ "computed": read(&self.0.0.computed), "unheard": read(&self.0.0.unheard) })
    }

    /// Checks that wait for a thread.
    pub fn waiting(&self) -> usize {
        self.0.0.lock().waiting.len()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.arrived.notify_all();
    }
}

impl Queue {
    fn new(threads: usize, share: f64, bound: usize, clock: SharedClock) -> Self {
        Self {
            state: Mutex::default(),
            arrived: Condvar::new(),
            bound,
            threads: u32::try_from(threads).unwrap_or(u32::MAX),
            share,
            hash_s: AtomicU64::new(FIRST_HASH_S.to_bits()),
            computed: AtomicU64::new(0),
            unheard: AtomicU64::new(0),
            clock,
        }
    }

    fn push(&self, check: Check) -> Result<(), Error> {
        let mut state = self.lock();
        // The waiting room counts those who sign in, as many as queue and threads hold: new passwords must not take a place
        // that somebody inside counts on.
        let is_full = match &check.task {
            Task::Match(..) => state.waiting.len() - state.making >= self.bound + self.threads as usize,
            Task::Make(_) => state.making >= MOST_MAKING,
        };
        if is_full {
            return Err(Error::SignInBusy);
        }
        state.making += usize::from(check.task.makes());
        state.waiting.push_back(check);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    fn work(&self) {
        // Where a thread may not be made nicer, hashing competes with the answers of everybody else.
        let _ = rustix::process::nice(NICENESS);
        let mut workspace = Workspace::new();
        // Hashes take the machine's time, whatever else the service's clock is told.
        let machine = system_clock();
        let mut pace = Pace::new(self.share, machine.now());
        while let Some((check, has_waited)) = self.next() {
            if check.task.is_abandoned() || self.clock.now() >= check.deadline {
                continue;
            }
            let computed = computed_here();
            pace.begin(machine.now(), has_waited);
            // Nobody listens when the asker has just gone; the answer is of no use to anyone else.
            let is_heard = match check.task {
                Task::Match(hash, answer) => {
                    answer.send(password::matches(&check.password, &hash, &mut workspace)).is_ok()
                }
                Task::Make(answer) => answer.send(password::hash(&check.password, &mut workspace)).is_ok(),
            };
            self.computed.fetch_add(1, Ordering::Relaxed);
            self.unheard.fetch_add(u64::from(!is_heard), Ordering::Relaxed);
            let (took, rest) = pace.end(machine.now(), computed_here().saturating_sub(computed));
            self.note_duration(took);
            std::thread::sleep(rest);
        }
    }

    /// Two threads may overwrite each other's; the mean loses one sample and nothing else.
    fn note_duration(&self, duration: Duration) {
        let mean = f64::from_bits(self.hash_s.load(Ordering::Relaxed));
        let mean = mean + (duration.as_secs_f64().max(LEAST_HASH_S) - mean) * LEARNING;
        self.hash_s.store(mean.to_bits(), Ordering::Relaxed);
    }

    /// The next check, and whether there was nothing to do before it came.
    fn next(&self) -> Option<(Check, bool)> {
        let mut state = self.lock();
        let mut has_waited = false;
        loop {
            if let Some(check) = state.waiting.pop_front() {
                state.making -= usize::from(check.task.makes());
                return Some((check, has_waited));
            }
            if state.is_closed {
                return None;
            }
            has_waited = true;
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What this thread has computed since it began.
fn computed_here() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// When a thread begins its hashes: one in each period, which is what the fastest hash of late computed, divided by the share.
struct Pace {
    share: f64,
    fastest: Duration,
    /// When the next hash may begin.
    due: Instant,
    /// When the last hash ended; none if there was nothing to do since.
    since: Option<Instant>,
    started: Instant,
}

impl Pace {
    fn new(share: f64, now: Instant) -> Self {
        Self { share, fastest: Duration::MAX, due: now, since: None, started: now }
    }

    /// A hash begins; nothing is made up for when there was nothing to do.
    fn begin(&mut self, now: Instant, has_waited: bool) {
        if has_waited {
            self.due = self.due.max(now);
            self.since = None;
        }
        self.started = now;
    }

    /// A hash that computed so long has ended: what it took with the rest before or after it, and how long to rest. A thread that had to wait for
    /// a core, or woke up late, rests less, so that as many sign in on a busy machine as on an idle one.
    fn end(&mut self, now: Instant, computed: Duration) -> (Duration, Duration) {
        self.fastest = computed.min(self.fastest.saturating_add(self.fastest / FORGETTING));
        let earliest = now.checked_sub(MAKES_UP).unwrap_or(now);
        let period = self.fastest.div_f64(self.share);
        self.due = (self.due + period).max(earliest);
        let rest = self.due.saturating_duration_since(now);
        let alone = || now.saturating_duration_since(self.started).max(period);
        let took = self.since.map_or_else(alone, |since| now.saturating_duration_since(since));
        self.since = Some(now);
        (took, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::password::HASH_OF_NOBODY;
    use shared::testing::ManualClock;

    fn password() -> Zeroizing<String> {
        Zeroizing::new("anything".to_owned())
    }

    #[tokio::test]
    async fn a_check_is_answered() {
        let hasher = Hasher::start(1, 1.0, 4, system_clock()).unwrap();
        let context = Context::background(system_clock(), Duration::from_secs(20));
        assert!(!hasher.check(&context, password(), HASH_OF_NOBODY.to_owned()).await.unwrap());
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let hasher = Hasher::start(0, 1.0, 1, system_clock()).unwrap();
        let context = Context::background(system_clock(), Duration::from_millis(50));
        let (first, second) = tokio::join!(
            hasher.check(&context, password(), HASH_OF_NOBODY.to_owned()),
            hasher.check(&context, password(), HASH_OF_NOBODY.to_owned())
        );
        assert!(matches!(first, Err(Error::SignInBusy)), "nobody works: its deadline passes");
        assert!(matches!(second, Err(Error::SignInBusy)), "no room");
    }

    #[test]
    fn new_passwords_take_no_place_from_those_who_sign_in_and_have_a_bound_of_their_own() {
        let clock: SharedClock = Arc::new(ManualClock::default());
        let queue = Queue::new(1, 1.0, 2, clock.clone());
        let deadline = clock.now() + Duration::from_secs(9);
        let make = || Task::Make(oneshot::channel().0);
        let check = || Task::Match(HASH_OF_NOBODY.to_owned(), oneshot::channel().0);
        let push = |task| queue.push(Check { password: password(), task, deadline });
        assert_eq!((0..20).filter(|_| push(make()).is_ok()).count(), MOST_MAKING);
        assert_eq!((0..20).filter(|_| push(check()).is_ok()).count(), 3, "the queue and the thread");
        assert!(queue.next().is_some() && push(make()).is_ok(), "a place is free again");
    }

    #[test]
    fn a_thread_hashes_once_in_a_period_and_makes_up_for_what_the_machine_took_from_it() {
        let (ms, start) = (Duration::from_millis, system_clock().now());
        let at = |at: u64| start + ms(at);
        let mut pace = Pace::new(0.5, start);
        pace.begin(at(0), true);
        assert_eq!(pace.end(at(12), ms(12)), (ms(24), ms(12)));
        assert_eq!(pace.end(at(44), ms(12)), (ms(32), ms(4)), "it had to wait for a core");
        assert_eq!(pace.end(at(63), ms(12)), (ms(19), ms(9)), "it woke up three late");
        assert_eq!(pace.end(at(3_000), ms(12)).1, ms(0), "the machine stood still");
        let rests = |pace: &mut Pace, at_ms| pace.end(at(at_ms), ms(12)).1 > ms(0);
        let made_up = (1..100).take_while(|hash| !rests(&mut pace, 3_000 + hash * 12)).count();
        assert_eq!(made_up, 20, "a quarter of a second, at twice the pace");
        pace.begin(at(9_000), true);
        assert_eq!(pace.end(at(9_012), ms(12)), (ms(24), ms(12)), "nobody came for a while");
    }

    #[test]
    fn an_expired_or_abandoned_check_is_not_computed() {
        let clock = ManualClock::default();
        let shared: SharedClock = Arc::new(clock.clone());
        let queue = Queue::new(0, 1.0, 2, shared.clone());
        let (answer, mut expired) = oneshot::channel();
        let hash = HASH_OF_NOBODY.to_owned();
        queue
            .push(Check {
                password: password(),
                task: Task::Match(hash.clone(), answer),
                deadline: shared.now(),
            })
            .unwrap();
        let (answer, abandoned) = oneshot::channel();
        let deadline = shared.now() + Duration::from_secs(9);
        queue.push(Check { password: password(), task: Task::Match(hash, answer), deadline }).unwrap();
        drop(abandoned);
        queue.lock().is_closed = true;
        queue.work();
        assert!(expired.try_recv().is_err(), "dropped without an answer");
        assert!(queue.lock().waiting.is_empty());
    }
}
