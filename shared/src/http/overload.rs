//! Settles whether a worker takes one more request: shed by its lag before the body is read, limited by what runs at once after it.
//!
//! Each worker decides alone, without a lock: it is the worker that is behind or not. The rules are
//! [`crate::resilience::shedding`] and [`crate::resilience::adaptive_limit`]; here they get their clock, their requests and
//! their answers. Only the public listener has a gate: what siblings ask at once is bounded where they ask.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use tokio::time::sleep;

use super::problem::retry_after;
use super::worker_load::WorkerLoad;
use super::{EdgePolicy, Problem, PublicPolicy};
use crate::ablation::{Ablation, Part};
use crate::attribution::Cause;
use crate::clock::SharedClock;
use crate::resilience::adaptive_limit::{AdaptiveLimit, Ending};
use crate::resilience::priority::Priority;
use crate::resilience::shedding::Shedder;

/// How often the lag of the event loop is measured.
const PROBE: Duration = Duration::from_millis(10);
/// Seconds after which the refused may come again; spread by up to half.
const RETRY_S: u32 = 2;
/// The code of the problem that they are.
pub(super) const OVERLOADED: &str = "overloaded";
/// The answer to whoever is shed; made once, since it is given most when there is least time.
const SHED_BODY: &str = r#"{"type":"urn:problem-type:ent:overloaded","title":"Service Unavailable","status":503,"detail":"Too many people are using the service just now: try again in a moment.","code":"overloaded"}"#;
const DETAIL: &str = "Too many people are using the service just now: try again in a moment.";

/// What one worker may take on. It lives in its worker's thread.
pub(super) struct Gate {
    clock: SharedClock,
    ablation: Ablation,
    shedder: RefCell<Shedder>,
    limit: RefCell<AdaptiveLimit>,
    load: Arc<WorkerLoad>,
}

impl Gate {
    /// Opens, and measures lag for as long as anybody holds it. Must be called on the worker's event loop.
    pub(super) fn open(policy: &EdgePolicy, public: &PublicPolicy) -> Rc<Self> {
        let now = policy.clock.now();
        let gate = Rc::new(Self {
            clock: policy.clock.clone(),
            ablation: policy.ablation,
            shedder: RefCell::new(Shedder::new(public.lag_limit, now)),
            limit: RefCell::new(AdaptiveLimit::new(public.concurrency, public.routes.len(), now)),
            load: public.loads.add(),
        });
        actix_web::rt::spawn(probe(Rc::downgrade(&gate), policy.clock.clone()));
        gate
    }

    /// Whether a request of this class is refused, because the worker is behind.
    pub(super) fn sheds(&self, now: Instant, priority: Priority) -> bool {
        // Asked also where it is not obeyed: a proof without shedding shows what it would have done.
        !self.shedder.borrow_mut().admits(now, priority) && !self.ablation.removes(Part::Shedding)
    }

    /// A place among the requests that are worked on, until it is left or dropped.
    pub(super) fn enter(self: &Rc<Self>, priority: Priority, route: usize) -> Result<Place, Problem> {
        let has_place = self.limit.borrow_mut().try_begin(priority);
        if !has_place && !self.ablation.removes(Part::AdaptiveLimits) {
            return Err(overloaded());
        }
        let place = has_place.then(|| (self.clone(), route));
        Ok(Place { place, entered: self.clock.now() })
    }

    fn lagged(&self, now: Instant, lag: Duration) {
        let mut shedder = self.shedder.borrow_mut();
        let was_shedding = shedder.is_shedding();
        shedder.lagged(now, lag);
        match (was_shedding, shedder.is_shedding()) {
            (false, true) => {
                tracing::warn!(lag_ms = lag.as_millis(), "a worker is behind: it sheds the least important");
            }
            (true, false) => tracing::info!("a worker keeps up again: it admits everybody"),
            (true, true) | (false, false) => {}
        }
        self.load.set(lag, &shedder, &self.limit.borrow());
    }
}

/// Sleeps and sees how much later than asked it runs: everything that was ready before it ran first.
async fn probe(gate: Weak<Gate>, clock: SharedClock) {
    loop {
        let asked = clock.now() + PROBE;
        sleep(PROBE).await;
        let Some(gate) = gate.upgrade() else { return };
        let now = clock.now();
        gate.lagged(now, now.saturating_duration_since(asked));
    }
}

/// A request that is being worked on. Dropped without [`Place::leave`], it says nothing about the service.
pub(super) struct Place {
    place: Option<(Rc<Gate>, usize)>,
    entered: Instant,
}

impl Place {
    /// The request has its answer; `cause` is why it was refused, if it was.
    pub(super) fn leave(mut self, cause: Option<Cause>) {
        if let Some((gate, route)) = self.place.take() {
            let now = gate.clock.now();
            let time = now.saturating_duration_since(self.entered);
            gate.limit.borrow_mut().finish(now, route, ending(cause, time));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((gate, route)) = self.place.take() {
            let now = gate.clock.now();
            gate.limit.borrow_mut().finish(now, route, Ending::Ignored);
        }
    }
}

fn ending(cause: Option<Cause>, time: Duration) -> Ending {
    match cause {
        None | Some(Cause::Unexplained) => Ending::Answered(time),
        Some(Cause::Deadline | Cause::DependencySlow(_) | Cause::Bulkhead(_)) => Ending::Dropped,
        Some(
            Cause::Shed
            | Cause::Admission
            | Cause::Rate
            | Cause::ClientSlow
            | Cause::Breaker(_)
            | Cause::DependencyDown(_),
        ) => Ending::Ignored,
    }
}

fn overloaded() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, OVERLOADED, DETAIL)
        .retry_after(RETRY_S)
        .because(Cause::Admission)
}

/// The answer to whoever is shed.
pub(super) fn shed() -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::RETRY_AFTER, retry_after(RETRY_S)))
        .content_type("application/problem+json")
        .body(SHED_BODY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;

    #[actix_web::test]
    async fn what_is_made_once_is_what_would_be_made_each_time() {
        let made = to_bytes(overloaded().response().into_body()).await.unwrap();
        assert_eq!(made, SHED_BODY.as_bytes());
    }
}
