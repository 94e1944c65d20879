//! Settles the life of a session: opened by a sign-in, ended by its person or by time. How it is refreshed: `session_refresh`.

use chrono::DateTime;
use serde_json::json;
use shared::audit::Actor;
use shared::clock::SharedClock;
use shared::context::Context;
use shared::ids;
use shared::pg::Database;
use shared::redis::Cluster;
use shared::session::{Membership, Scope};
use uuid::Uuid;

use super::refresh_handle::{Method, RefreshHandle};
use super::revocation::{Act, Revocations, Target};
use super::security_event::{Kind, Seen};
use super::security_events::SecurityEvents;
use super::session_copies::SessionCopies;
use super::session_tokens::{Basis, Granted, SessionTokens};
use super::switches::Switches;
use crate::config::Sessions as Lifetimes;
use crate::error::Error;
use crate::store;
use crate::store::session_copy::SessionCopy;

/// A new session is tried on up to this many ids, within its deadline. The id decides the shard, so with one of three
/// shards dead all but one sign-in in 729 still succeed.
const PLACES_TRIED: usize = 6;

/// Opens, refreshes and ends sessions. Cloning shares what it is made of.
#[derive(Clone)]
pub struct Sessions {
    /// Accounts, and the durable copies.
    pub database: Database,
    /// The records.
    pub cluster: Cluster,
    /// The time.
    pub clock: SharedClock,
    /// What browsers get.
    pub tokens: SessionTokens,
    /// How long sessions live.
    pub lifetimes: Lifetimes,
    /// Where durable copies are put.
    pub copies: SessionCopies,
    /// What is kept of ends that matter.
    pub events: SecurityEvents,
    /// What was revoked.
    pub revocations: Revocations,
    /// What a surge asks for.
    pub switches: Switches,
}

/// Who a session is opened for.
pub struct Identified {
    /// The person.
    pub person_id: Uuid,
    /// Every revocation up to this epoch was there when the account was read.
    pub epoch: i64,
    /// The person's roles.
    pub memberships: Vec<Membership>,
    /// How they proved who they are.
    pub method: Method,
    /// Since when they sign in on this device with this password, if they have before, in Unix seconds.
    pub device_since: Option<u64>,
    /// Which browser they use, as [`super::browser::label`] has it.
    pub browser: String,
}

impl Sessions {
    /// Opens a session on whichever shard takes it.
    pub async fn start(&self, context: &Context, who: &Identified) -> Result<Granted, Error> {
        let now = self.clock.unix_seconds();
        let mut handle = RefreshHandle {
            sid: ids::new_id(&*self.clock),
            generation: 0,
            sub: who.person_id,
            epoch: who.epoch,
            auth_time: now,
            device_since: who.device_since.unwrap_or(now),
            absolute_end: now + self.lifetimes.of(&who.memberships).absolute_s,
            method: who.method,
            memberships: who.memberships.clone(),
        };
        let mut last = Error::Internal("no place was tried".to_owned());
        for _ in 0..PLACES_TRIED {
            match store::session::insert(&self.cluster, context, handle.sid, self.idle_s(&handle)).await {
                Ok(()) => {
                    self.copies.put(self.copy(&handle, &who.browser));
                    return self.tokens.grant(&handle, &who.memberships, Basis::Full);
                }
                Err(error) if error.retryable() => last = error.into(),
                Err(error) => return Err(error.into()),
            }
            handle.sid = ids::new_id(&*self.clock);
        }
        Err(last)
    }

    /// Ends the session of a handle. A handle that opens nothing ends nothing, and that is no error. Where the session's
    /// shard is out of reach the session is revoked: that holds without it.
    pub async fn end(&self, context: &Context, presented: &str, seen: Seen<'_>) -> Result<(), Error> {
        let Ok(handle) = self.tokens.open_handle(presented) else { return Ok(()) };
        let (sid, idle_s) = (handle.sid, self.idle_s(&handle));
        match store::session::end(&self.cluster, context, sid, idle_s).await {
            Ok(()) => {}
            Err(error) if error.retryable() => {
                let (target, actor) = (Target::One(Scope::Session { sid }), Actor::Person(handle.sub));
                let details = json!({ "reason": "signed_out" });
                self.revocations.revoke(context, &Act { target, actor, authority: None, details }).await?;
            }
            Err(error) => return Err(error.into()),
        }
        self.copies.put(SessionCopy { is_ended: true, ..self.copy(&handle, seen.browser) });
        self.note(Kind::SignedOut, &handle, seen);
        Ok(())
    }

    /// Whether a handle is one of ours whose time is not over; looks at nothing else.
    pub fn is_genuine(&self, presented: &str) -> bool {
        self.tokens.open_handle(presented).is_ok()
    }

    /// Keeps what happened to the session of a handle.
    pub(super) fn note(&self, kind: Kind, handle: &RefreshHandle, seen: Seen<'_>) {
        let event = self.events.now(kind, None).in_session(handle.sid, seen);
        self.events.note(event.of(handle.sub, &handle.memberships));
    }

    /// The session as it is now, for its copy.
    pub(super) fn copy(&self, handle: &RefreshHandle, browser: &str) -> SessionCopy {
        let at = |seconds: u64| {
            DateTime::from_timestamp(i64::try_from(seconds).unwrap_or(i64::MAX), 0).unwrap_or_default()
        };
        SessionCopy {
            person_id: handle.sub,
            sid: handle.sid,
            generation: i32::try_from(handle.generation).unwrap_or(i32::MAX),
            browser: browser.to_owned(),
            created_at: at(handle.auth_time),
            refreshed_at: self.clock.utc(),
            ends_at: at(handle.absolute_end),
            is_ended: false,
        }
    }

    /// How long the session may rest, in seconds.
    pub(super) fn idle_s(&self, handle: &RefreshHandle) -> u64 {
        let left = handle.absolute_end.saturating_sub(self.clock.unix_seconds());
        self.idle_limit_s(handle).min(left).max(1)
    }

    /// The idle limit alone, in seconds, as it is at the moment.
    pub(super) fn idle_limit_s(&self, handle: &RefreshHandle) -> u64 {
        let configured_s = self.lifetimes.of(&handle.memberships).idle_s;
        self.switches.idle_s(&handle.memberships, configured_s)
    }
}
