//! Settles by random histories that a revoked session is refused within the bound, whatever crashes, is lost, comes late or twice.

use std::sync::Arc;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use uuid::Uuid;

use super::place::Place;
use super::stream::LATE_MS;
use super::{News, Revocation, RevocationView, Scope};
use crate::testing::ManualClock;

/// People whose sessions are revoked.
const PEOPLE: usize = 4;
const STREAMS: usize = 3;

/// What auth, Redis, the instance and time do.
#[derive(Debug, Clone)]
enum Step {
    /// Auth commits a revocation of so many accounts at once, beginning with this one.
    Revoke(usize, usize),
    /// A teller looks where this stream is and reads the database: at most so many revocations.
    Read(usize, usize),
    /// One of those is appended, if it is not too late. Acknowledged and lost, where the flag says so.
    Append(usize, bool),
    /// The stream fails over: its last entries are gone.
    FailOver(usize, usize),
    /// The oldest entries are trimmed.
    Trim(usize, usize),
    /// The instance reads a stream. The answer waits in the network for so long.
    Hear(usize, u64),
    /// The instance asks auth; so many revocations fit a page.
    Ask(usize),
    /// The instance writes its copy.
    Keep,
    /// The instance crashes and starts again from its copy, if the disk kept that.
    Crash(bool),
    Pass(u64),
}

struct AnyHistory;

impl ReferenceStateMachine for AnyHistory {
    type State = ();
    type Transition = Step;

    fn init_state() -> BoxedStrategy<()> {
        Just(()).boxed()
    }

    fn transitions((): &()) -> BoxedStrategy<Step> {
        let stream = 0..STREAMS;
        let ms = || prop_oneof![Just(20_u64), Just(300), Just(1_000), Just(6_000)];
        prop_oneof![
            4 => (0..PEOPLE, 1..3_usize).prop_map(|(first, count)| Step::Revoke(first, count)),
            5 => (stream.clone(), 1..4_usize).prop_map(|(stream, limit)| Step::Read(stream, limit)),
            5 => (any::<usize>(), prop::bool::weighted(0.2)).prop_map(|(index, lost)| Step::Append(index, lost)),
            1 => (stream.clone(), 1..4_usize).prop_map(|(stream, count)| Step::FailOver(stream, count)),
            1 => (stream.clone(), 1..4_usize).prop_map(|(stream, count)| Step::Trim(stream, count)),
            6 => (stream, prop_oneof![3 => Just(0_u64), 1 => ms()]).prop_map(|(stream, late)| Step::Hear(stream, late)),
            2 => (1..4_usize).prop_map(Step::Ask),
            1 => Just(Step::Keep),
            1 => any::<bool>().prop_map(Step::Crash),
            4 => ms().prop_map(Step::Pass),
        ]
        .boxed()
    }

    fn apply((): (), _: &Step) {}
}

/// A stream of Redis: entries that are there, and the number of the next one.
#[derive(Default)]
struct Stream {
    entries: Vec<(u64, News)>,
    next: u64,
}

struct History {
    clock: ManualClock,
    /// Auth's database: (epoch, person, when it was committed), in order.
    committed: Vec<(i64, u128, u64)>,
    streams: [Stream; STREAMS],
    /// What tellers have read and not appended yet: (stream, when they looked there, what they read).
    under_way: Vec<(usize, u64, News)>,
    view: RevocationView,
    places: [Option<Place>; STREAMS],
    copy: Option<News>,
}

impl History {
    fn now_ms(&self) -> u64 {
        crate::clock::Clock::coarse_ms(&self.clock)
    }

    fn pass(&self, ms: u64) {
        self.clock.advance(std::time::Duration::from_millis(ms));
    }

    fn published(&self) -> i64 {
        self.committed.last().map_or(0, |(epoch, ..)| *epoch)
    }

    /// What auth answers: one page.
    fn page(&self, after: i64, limit: usize) -> News {
        let rest: Vec<_> = self.committed.iter().filter(|(epoch, ..)| *epoch > after).collect();
        let published = self.published();
        let upto = if rest.len() > limit { rest[limit - 1].0 } else { published.max(after) };
        let revocation = |row: &&(i64, u128, u64)| Revocation {
            scope: Scope::Account { person: Uuid::from_u128(row.1) },
            epoch: row.0,
        };
        News { after, upto, published, revocations: rest.iter().take(limit).map(revocation).collect() }
    }

    fn read(&mut self, stream: usize, limit: usize) {
        let told = self.streams[stream].entries.last().map_or(self.published(), |(_, news)| news.upto);
        let news = self.page(told, limit);
        self.under_way.push((stream, self.now_ms(), news));
    }

    fn append(&mut self, index: usize, is_lost: bool) {
        if self.under_way.is_empty() {
            return;
        }
        let (stream, marked_ms, news) = self.under_way.swap_remove(index % self.under_way.len());
        if self.now_ms() - marked_ms > LATE_MS || is_lost {
            return;
        }
        let stream = &mut self.streams[stream];
        stream.next += 1;
        stream.entries.push((stream.next, news));
    }

    fn hear(&mut self, stream: usize, late_ms: u64) {
        let asked_ms = self.view.now_ms();
        let (entries, clock) = (&self.streams[stream].entries, self.clock.clone());
        let Some(place) = &mut self.places[stream] else {
            let last_id = entries.last().map_or(0, |(id, _)| *id).to_string();
            self.places[stream] = Some(Place { last_id, asked_ms });
            return;
        };
        let last: u64 = place.last_id.parse().unwrap();
        let answer: Vec<_> = entries.iter().filter(|(id, _)| *id > last).collect();
        let answer = answer.into_iter().map(|(id, news)| (id.to_string(), Some(news.clone()))).collect();
        clock.advance(std::time::Duration::from_millis(late_ms));
        place.take(&self.view, answer, asked_ms);
    }

    fn ask(&mut self, limit: usize) {
        let asked_ms = self.view.now_ms();
        let news = self.page(self.view.applied(), limit);
        self.view.learn(&news, asked_ms);
    }

    fn crash(&mut self, is_copy_kept: bool) {
        self.view = RevocationView::new(Arc::new(self.clock.clone()));
        self.places = Default::default();
        if let Some(copy) = self.copy.as_ref().filter(|_| is_copy_kept) {
            self.view.recall(copy);
        }
    }

    fn is_refused(&self, epoch: i64, person: u128) -> bool {
        self.view.ends(Uuid::nil(), Uuid::from_u128(person), epoch - 1, &[])
    }
}

struct RevocationTest;

impl StateMachineTest for RevocationTest {
    type SystemUnderTest = History;
    type Reference = AnyHistory;

    fn init_test((): &()) -> History {
        let clock = ManualClock::default();
        History {
            committed: Vec::new(),
            streams: Default::default(),
            under_way: Vec::new(),
            view: RevocationView::new(Arc::new(clock.clone())),
            places: Default::default(),
            copy: None,
            clock,
        }
    }

    fn apply(mut history: History, (): &(), step: Step) -> History {
        match step {
            Step::Revoke(first, count) => {
                for person in (0..count).map(|index| (first + index) % PEOPLE) {
                    let row = (history.published() + 1, person as u128, history.now_ms());
                    history.committed.push(row);
                }
            }
            Step::Read(stream, limit) => history.read(stream, limit),
            Step::Append(index, is_lost) => history.append(index, is_lost),
            Step::FailOver(stream, count) => {
                let entries = &mut history.streams[stream].entries;
                entries.truncate(entries.len().saturating_sub(count));
            }
            Step::Trim(stream, count) => {
                let entries = &mut history.streams[stream].entries;
                entries.drain(..count.min(entries.len()));
            }
            Step::Hear(stream, late_ms) => history.hear(stream, late_ms),
            Step::Ask(limit) => history.ask(limit),
            Step::Keep => history.copy = Some(history.view.copy()),
            Step::Crash(is_copy_kept) => history.crash(is_copy_kept),
            Step::Pass(ms) => history.pass(ms),
        }
        history
    }

    /// What was revoked before the moment as of which the view is proved is refused; what was issued since is not.
    fn check_invariants(history: &History, (): &()) {
        let lag_ms = history.view.report()["lag_ms"].as_u64();
        let proved_ms = lag_ms.map(|lag_ms| history.now_ms() - lag_ms);
        for (epoch, person, committed_ms) in &history.committed {
            // What is committed in the very millisecond of the question may be committed after it.
            let must_be_refused = proved_ms.is_some_and(|proved_ms| *committed_ms < proved_ms);
            assert!(
                !must_be_refused || history.is_refused(*epoch, *person),
                "revocation {epoch}, committed at {committed_ms}, is not known at {proved_ms:?}"
            );
        }
        for person in 0..PEOPLE {
            assert!(!history.is_refused(history.published() + 1, person as u128), "a new session is refused");
        }
    }

    /// Once nothing fails any more: one heartbeat tells what is missing, and one answer brings it.
    fn teardown(mut history: History, (): ()) {
        for stream in 0..STREAMS {
            history.hear(stream, 0);
            history.read(stream, usize::MAX);
            history.append(history.under_way.len() - 1, false);
            history.hear(stream, 0);
        }
        if history.view.is_missing_any() {
            history.ask(usize::MAX);
        }
        for (epoch, person, _) in &history.committed {
            assert!(history.is_refused(*epoch, *person), "revocation {epoch} was never learned");
        }
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 1_024, ..ProptestConfig::default() })]

    #[test]
    fn a_revoked_session_is_refused_within_the_bound_despite_crash_reordering_or_loss(
        sequential 1..120 => RevocationTest
    );
}
