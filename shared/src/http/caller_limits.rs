//! Settles which count a request falls under, and how its answer says what is left: `RateLimit` headers, or 429 with the time to wait.
//!
//! Accounts are counted on their own. Addresses are the last resort for whoever has no session: a whole school, or a mobile
//! operator's customers, sit behind one. 1,500 pupils who sign in within the same minute, each with two mistakes and a
//! refresh, are 100 requests a second; the default is twenty times that, and stops a machine in a loop, not a school.

use std::net::IpAddr;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use garde::Validate;
use serde::Deserialize;
use uuid::Uuid;

use super::{ClientNetwork, Problem};
use crate::attribution::Cause;
use crate::clock::SharedClock;
use crate::resilience::rate_limit::{Allowance, Exceeded, Rate, RateLimiter};

/// How often accounts and addresses may ask one instance.
#[derive(Debug, Clone, Copy, Deserialize, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimits {
    /// One account, over all its sessions. A page of the ENT makes about ten requests.
    #[garde(dive)]
    pub account: Rate,
    /// One client address, for requests without a valid access token; IPv6: one /64 network.
    #[garde(dive)]
    pub address: Rate,
    /// Accounts, and addresses, that are remembered; one takes about 60 bytes.
    #[garde(range(min = 100, max = 10_000_000))]
    pub remembered: u64,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            account: Rate { per_second: 20, burst: 200 },
            address: Rate { per_second: 2_000, burst: 20_000 },
            remembered: 50_000,
        }
    }
}

/// The counts of one listener. Cloning shares them.
#[derive(Clone)]
pub struct CallerLimits {
    accounts: RateLimiter<Uuid>,
    addresses: RateLimiter<IpAddr>,
}

/// Whose request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CountedBy {
    Account(Uuid),
    Network(ClientNetwork),
}

impl CallerLimits {
    /// From the configuration.
    pub fn new(limits: &RateLimits, clock: &SharedClock) -> Self {
        Self {
            accounts: RateLimiter::new(limits.account, limits.remembered, clock.clone()),
            addresses: RateLimiter::new(limits.address, limits.remembered, clock.clone()),
        }
    }

    /// Counts one request; what is left is said in either case.
    pub(super) fn count(&self, caller: CountedBy) -> (Counted, Result<(), Problem>) {
        let (outcome, policy) = match caller {
            CountedBy::Account(account) => (self.accounts.check(&account), "account"),
            CountedBy::Network(network) => (self.addresses.check(&network.0), "address"),
        };
        match outcome {
            Ok(allowance) => (Counted { allowance, policy }, Ok(())),
            Err(exceeded) => (Counted { allowance: exceeded.allowance, policy }, Err(refusal(&exceeded))),
        }
    }
}

/// What a caller has left, and by which rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    allowance: Allowance,
    policy: &'static str,
}

fn refusal(exceeded: &Exceeded) -> Problem {
    let seconds = u32::try_from(exceeded.retry_in.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    let detail = "Too many requests from here: slow down, and try again when the header Retry-After says.";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
        .retry_after(seconds)
        .because(Cause::Rate)
}

/// `RateLimit` and `RateLimit-Policy`, draft-ietf-httpapi-ratelimit-headers-10: quota, window; remaining, seconds until it is whole.
pub(super) fn add_headers(headers: &mut HeaderMap, counted: &Counted) {
    let Counted { allowance, policy } = counted;
    let rate = allowance.rate;
    let quota = format!("\"{policy}\";q={};w={}", rate.burst, rate.window().as_secs());
    let left = format!("\"{policy}\";r={};t={}", allowance.remaining, allowance.reset_s());
    for (name, value) in [("ratelimit-policy", quota), ("ratelimit", left)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
