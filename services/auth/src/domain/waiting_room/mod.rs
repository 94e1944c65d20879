//! Settles who may try to sign in now, and what everybody else is told: one comparison in memory per question, and no I/O.
//!
//! The rules of who comes next are [`shared::resilience::admission`]. This is their place in one instance: it gives tickets,
//! knows the marks that the holder of the lease last published, and counts who was let in.

mod figures;
mod lane;
mod ticket;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use moka::sync::Cache;
use serde_json::{Value, json};
use shared::clock::SharedClock;
use shared::ids;
use shared::resilience::admission::{
    Appointment, Arrivals, HORIZON, LaneReport, Position, Report, Standing, State,
};

use uuid::Uuid;

pub use lane::{Lane, Weights};
pub use ticket::Ticket;

use super::device::Device;
use super::hasher::Hasher;
use super::sealed::SealingKey;

/// After more came than one instance can serve, it lets nobody in directly until the others know, in milliseconds.
const CLOSED_MS: u64 = 600;
/// Whoever is called to an instance that is full asks again after this, in seconds: another one may have room.
const FULL_AGAIN_S: u64 = 1;

/// Whoever is called is let in as long as their password will be checked within this: a sign-in has five seconds in all.
const IN_TIME: Duration = Duration::from_secs(4);
/// Share of what the queue can hold that is planned for: the rest is for those who were called and come all at once.
const PLANNED: f64 = 2.0 / 3.0;
/// Used tickets that one instance remembers while Redis does not answer.
const SPENT_HERE: u64 = 100_000;
const SPENT_HERE_FOR: Duration = Duration::from_hours(2);

/// The waiting room of one instance. Cloning shares it.
#[derive(Clone)]
pub struct WaitingRoom(Arc<Inner>);

struct Inner {
    clock: SharedClock,
    key: SealingKey,
    hasher: Hasher,
    /// Everybody is let in: what proofs compare with.
    is_ablated: bool,
    state: RwLock<Arc<State>>,
    given: Mutex<[Arrivals; Lane::ALL.len()]>,
    returned: Mutex<[Arrivals; Lane::ALL.len()]>,
    came: [AtomicU64; Lane::ALL.len()],
    used: [AtomicU64; Lane::ALL.len()],
    inside: AtomicU32,
    closed_until_ms: AtomicU64,
    delayed: AtomicU64,
    /// Tickets used here while Redis did not answer.
    spent_here: Cache<(Uuid, u8), ()>,
}

/// The answer to "may I?".
pub enum Turn {
    /// Now.
    Enter(Inside),
    /// Not yet.
    Wait(Told),
}

/// Somebody whose password is being checked. Dropping it makes room for the next.
pub struct Inside {
    room: WaitingRoom,
    /// What they were let in on; nobody needs a ticket while nobody waits.
    pub ticket: Option<Ticket>,
}

/// What somebody who waits is told.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// Their ticket from now on.
    pub ticket: Ticket,
    /// How they stand.
    pub appointment: Appointment,
    /// When this was said, in Unix seconds.
    pub now: u64,
}

impl Told {
    /// Somebody may have left between two looks; whoever is sent away is not told to come back at once.
    fn not_now(mut self) -> Self {
        self.appointment.ask_again_in_s = self.appointment.ask_again_in_s.max(FULL_AGAIN_S);
        self
    }
}

impl WaitingRoom {
    /// Open until the instances have agreed on something else.
    pub fn new(secret: &[u8; 32], hasher: Hasher, clock: SharedClock, is_ablated: bool) -> Self {
        Self(Arc::new(Inner {
            clock,
            key: SealingKey::derive(secret, "waiting-room ticket"),
            hasher,
            is_ablated,
            state: RwLock::new(Arc::new(State { is_open: true, ..State::default() })),
            given: Mutex::default(),
            returned: Mutex::default(),
            came: Default::default(),
            used: Default::default(),
            inside: AtomicU32::new(0),
            closed_until_ms: AtomicU64::new(0),
            delayed: AtomicU64::new(0),
            spent_here: Cache::builder().max_capacity(SPENT_HERE).time_to_live(SPENT_HERE_FOR).build(),
        }))
    }

    /// The ticket that somebody presents, if it is one of ours and still good.
    pub fn open_ticket(&self, text: &str) -> Option<Ticket> {
        Ticket::open(text, &self.0.key, self.now_ms() / 1_000)
    }

    /// The ticket as it travels.
    pub fn seal(&self, ticket: &Ticket) -> String {
        ticket.seal(&self.0.key)
    }

    /// Whether somebody may try to sign in. Whoever has no ticket and may not gets one.
    pub fn ask(&self, ticket: Option<Ticket>, device: Option<&Device>) -> Turn {
        if self.0.is_ablated {
            return Turn::Enter(self.enter(None));
        }
        match ticket {
            Some(ticket) => self.ask_again(ticket),
            None => self.ask_first(device),
        }
    }

    /// How somebody with a ticket stands.
    pub fn standing(&self, mut ticket: Ticket) -> Told {
        let now_ms = self.now_ms();
        let (lane, position) = (ticket.lane.number(), ticket.position);
        let mut appointment = self.state().appointment(lane, position, ticket.promise(), now_ms);
        if ticket.promise().is_none() && appointment.standing != Standing::Counting {
            count(&self.0.returned, ticket.lane, position.second);
        }
        ticket.promised = appointment.promised.unwrap_or(0);
        match appointment.standing {
            Standing::Called if !self.has_room_for_called() => appointment.ask_again_in_s = FULL_AGAIN_S,
            Standing::Delayed => drop(self.0.delayed.fetch_add(1, Ordering::Relaxed)),
            Standing::Called | Standing::Counting | Standing::Waiting => {}
        }
        Told { ticket, appointment, now: now_ms / 1_000 }
    }

    /// Whether somebody without a ticket would be let in.
    pub fn is_open(&self) -> bool {
        let is_closed = self.0.closed_until_ms.load(Ordering::Relaxed) > self.now_ms();
        self.state().is_open && !is_closed && self.has_room()
    }

    /// Gives a place in the lane of a device.
    pub fn give_ticket(&self, device: Option<&Device>) -> Ticket {
        let now_ms = self.now_ms();
        let id = ids::new_id(&*self.0.clock);
        let lane = device.map_or(Lane::Unknown, Device::lane);
        let second = now_ms / 1_000;
        // A device that asks twice in the same second draws the same spot.
        let mut drawn = device.map_or(id, |device| device.id).as_bytes().to_vec();
        drawn.extend(second.to_be_bytes());
        let position = Position { second, spot: self.0.key.spot(&drawn) };
        count(&self.0.given, lane, second);
        if let Some(came) = self.0.came.get(lane.number()) {
            came.fetch_add(1, Ordering::Relaxed);
        }
        Ticket { id, lane, position, promised: 0, tries: 0 }
    }

    /// What this instance tells the holder of the lease.
    pub fn report(&self) -> Report {
        let counts =
            |counts: &Mutex<[Arrivals; _]>| counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let lanes = counts(&self.0.given).into_iter().zip(counts(&self.0.returned));
        let lanes = lanes.zip(&self.0.came).zip(&self.0.used);
        Report {
            at_ms: self.now_ms(),
            rate: self.0.hasher.rate(),
            holds: self.holds(),
            taken: self.0.inside.load(Ordering::Relaxed),
            lanes: lanes
                .map(|(((given, returned), came), used)| LaneReport {
                    given,
                    returned,
                    came: came.load(Ordering::Relaxed),
                    used: used.load(Ordering::Relaxed),
                })
                .collect(),
        }
    }

    /// Goes by a newer state. A mark never goes back: who was told that it is their turn is not told otherwise.
    pub fn adopt(&self, mut state: State) {
        let mut current = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        for (lane, old) in state.lanes.iter_mut().zip(&current.lanes) {
            lane.mark = lane.mark.max(old.mark);
        }
        for counts in [&self.0.given, &self.0.returned] {
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            for (arrivals, lane) in counts.iter_mut().zip(&state.lanes) {
                *arrivals = arrivals.split_off(&lane.mark.second);
            }
        }
        *current = Arc::new(state);
    }

    /// As last adopted.
    pub fn state(&self) -> Arc<State> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For `/statusz`.
    pub fn status(&self) -> Value {
        let state = self.state();
        let lanes = Lane::ALL.iter().zip(&state.lanes).map(|(lane, state)| {
            let figures = json!({
                "waiting": state.waiting().round(), "called_per_s": state.pace, "show_up": state.show_up,
                "mark": state.mark.second,
            });
            (lane.name().to_owned(), figures)
        });
        json!({
            "is_open": state.is_open,
            "inside": self.0.inside.load(Ordering::Relaxed),
            "holds": self.holds(),
            "sign_ins_per_s": self.0.hasher.rate(),
            "told_delayed": self.0.delayed.load(Ordering::Relaxed),
            "lanes": lanes.collect::<serde_json::Map<_, _>>(),
        })
    }

    fn ask_again(&self, ticket: Ticket) -> Turn {
        let told = self.standing(ticket);
        if told.appointment.standing == Standing::Called && self.has_room_for_called() {
            if let Some(used) = self.0.used.get(ticket.lane.number()) {
                used.fetch_add(1, Ordering::Relaxed);
            }
            return Turn::Enter(self.enter(Some(told.ticket)));
        }
        Turn::Wait(told.not_now())
    }

    fn ask_first(&self, device: Option<&Device>) -> Turn {
        if self.is_open() {
            return Turn::Enter(self.enter(None));
        }
        let now_ms = self.now_ms();
        if self.state().is_open && self.0.closed_until_ms.load(Ordering::Relaxed) <= now_ms {
            self.0.closed_until_ms.store(now_ms + CLOSED_MS, Ordering::Relaxed);
        }
        Turn::Wait(self.standing(self.give_ticket(device)).not_now())
    }

    fn enter(&self, ticket: Option<Ticket>) -> Inside {
        self.0.inside.fetch_add(1, Ordering::Relaxed);
        Inside { room: self.clone(), ticket }
    }

    /// People whose sign-in it is willing to have at hand: what it can do in [`HORIZON`], and what its queue can hold.
    fn holds(&self) -> f64 {
        (self.0.hasher.rate() * HORIZON.as_secs_f64()).min(f64::from(self.0.hasher.holds()) * PLANNED)
    }

    /// Whoever was called was counted on: the whole queue is theirs, as far as it is done before their sign-in is given up.
    fn has_room_for_called(&self) -> bool {
        let in_time = self.0.hasher.rate() * IN_TIME.as_secs_f64();
        f64::from(self.0.inside.load(Ordering::Relaxed)) < in_time.min(f64::from(self.0.hasher.holds()))
    }

    fn has_room(&self) -> bool {
        f64::from(self.0.inside.load(Ordering::Relaxed)) < self.holds()
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.0.clock.utc().timestamp_millis()).unwrap_or(0)
    }
}

/// One more in a second of a lane.
fn count(counts: &Mutex<[Arrivals; Lane::ALL.len()]>, lane: Lane, second: u64) {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(arrivals) = counts.get_mut(lane.number()) {
        *arrivals.entry(second).or_default() += 1;
    }
}

impl Inside {
    /// Uses up one try of a ticket as far as this instance knows. False when it was used here before.
    pub fn spend_here(&self, ticket: &Ticket) -> bool {
        self.room.0.spent_here.entry((ticket.id, ticket.tries)).or_insert(()).is_fresh()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.room.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}
