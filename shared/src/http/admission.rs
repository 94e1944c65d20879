//! Settles what a request has to pass before its handler runs, the cheapest refusal first, its body last.

use std::rc::Rc;

use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;
use ipnet::IpNet;
use rand::Rng;

use super::caller::{NotSensitive, identify};
use super::caller_limits::{Counted, CountedBy};
use super::client_address::client_address;
use super::connection::ClientLimits;
use super::edge::{EdgePolicy, PublicPolicy};
use super::overload::{Gate, Place};
use super::rules::{Access, Rules};
use super::{ClientNetwork, Problem, request_body, request_head};
use crate::ablation::Part;
use crate::context::Context;
use crate::ids;
use crate::resilience::priority::Priority;

/// With less time than this left, no answer would be in time: the fastest signed-in read takes about 2 ms.
const LEAST_TIME: std::time::Duration = std::time::Duration::from_millis(5);

/// What is known of a request from its head, and what it holds.
pub(super) struct Admission {
    /// Its number and rules; none where nothing is served, and on the internal listener.
    pub route: Option<(usize, Rules)>,
    /// Its worker's gate; none on the internal listener.
    pub gate: Option<Rc<Gate>>,
    /// What its caller has left, once it has been counted.
    pub counted: Option<Counted>,
    /// Its place among the requests that are worked on.
    pub place: Option<Place>,
}

impl Admission {
    /// Looks at the head only.
    pub(super) fn of(request: &ServiceRequest, policy: &EdgePolicy) -> Self {
        let is_guarded = !is_probe(request.path());
        let public = policy.public.as_ref().filter(|_| is_guarded);
        Self {
            route: public.and_then(|public| public.routes.find(request.method(), request.path())),
            gate: request.app_data::<Rc<Gate>>().filter(|_| is_guarded).cloned(),
            counted: None,
            place: None,
        }
    }

    /// Whether it is told, refused or not. What machines ask every few seconds is counted, neither logged nor traced.
    pub(super) fn is_told(&self, request: &ServiceRequest, policy: &EdgePolicy) -> bool {
        if is_probe(request.path()) || (policy.public.is_none() && request.path() == "/metrics") {
            return false;
        }
        let one_in = self.route.map_or(1, |(_, rules)| rules.told_one_in);
        one_in <= 1 || ids::random().random_range(0..one_in) == 0
    }

    /// Whether the worker is too far behind for a request of this class.
    pub(super) fn is_shed(&self, now: std::time::Instant) -> bool {
        let priority = self.route.map_or(Priority::Deferrable, |(_, rules)| rules.priority);
        self.gate.as_ref().is_some_and(|gate| gate.sheds(now, priority))
    }

    /// What can be refused without the body is refused before it is read; a place is taken when it has come.
    pub(super) async fn pass(
        &mut self,
        request: &mut ServiceRequest,
        policy: &EdgePolicy,
        context: &Context,
    ) -> Result<(), Problem> {
        request_head::check(request.head())?;
        let is_hopeless = context.remaining().map_or(true, |left| left < LEAST_TIME);
        if is_hopeless && !policy.ablation.removes(Part::Deadlines) {
            return Err(Problem::deadline_exceeded());
        }
        if let Some(public) = policy.public.as_ref().filter(|_| !is_probe(request.path())) {
            public.origins.check(request.method(), request.headers())?;
            self.count(request, public, policy)?;
        }
        let limit = if policy.ablation.removes(Part::ClientLimits) {
            ClientLimits::ABLATED.unread_body
        } else {
            context.remaining_up_to(policy.body.time).map_err(|_| Problem::deadline_exceeded())?
        };
        request_body::receive(request, policy.body.bytes, limit).await?;
        if let (Some(gate), Some((number, rules))) =
            (&self.gate, self.route.filter(|(_, rules)| !rules.queues_itself))
        {
            self.place = Some(gate.enter(rules.priority, number)?);
        }
        Ok(())
    }

    /// Whoever must be signed in is, and has not asked too often.
    fn count(
        &mut self,
        request: &ServiceRequest,
        public: &PublicPolicy,
        policy: &EdgePolicy,
    ) -> Result<(), Problem> {
        let access = self.route.map(|(_, rules)| rules.access);
        let caller = match access {
            Some(Access::SignedIn | Access::Sensitive) => Some(identify(request.request())),
            Some(Access::Anybody | Access::RefreshHandle) | None => None,
        };
        let counted_by = match &caller {
            Some(Ok(caller)) => Some(CountedBy::Account(caller.sub)),
            Some(Err(_)) | None => network(request, &policy.trusted_proxies).map(CountedBy::Network),
        };
        if let Some(counted_by) = counted_by.filter(|_| !policy.ablation.removes(Part::RateLimits)) {
            let (left, outcome) = public.limits.count(counted_by);
            self.counted = Some(left);
            outcome?;
        }
        let Some(caller) = caller.transpose()? else { return Ok(()) };
        if access == Some(Access::Sensitive) {
            caller.may_be_sensitive().map_err(NotSensitive::problem)?;
        }
        Ok(())
    }
}

/// Where a request comes from.
fn network(request: &ServiceRequest, proxies: &[IpNet]) -> Option<ClientNetwork> {
    client_address(request.request(), proxies).map(ClientNetwork::of)
}

/// Machines ask these several times a second, from wherever they are.
fn is_probe(path: &str) -> bool {
    path == "/livez" || path == "/readyz"
}
