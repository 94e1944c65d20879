//! Settles the life of a session: opened by a sign-in, refreshed by a handle that rotates, ended by its person or by time.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use serde_json::json;
use shared::audit::{self, Actor, Entry};
use shared::clock::SharedClock;
use shared::config::{Invalid, Profile};
use shared::context::Context;
use shared::ids;
use shared::keys::{self, SigningKeyFile};
use shared::pg::{Database, Work};
use shared::redis::Cluster;
use shared::session::{AUDIENCE, Claims, ISSUER, Jwks, Membership, sign};
use uuid::Uuid;

use super::refresh_handle::{Method, RefreshHandle};
use crate::config::{AccessTokens, Sessions as Lifetimes};
use crate::error::Error;
use crate::store;
use crate::store::session::Rotation;

/// A new session is tried on up to this many ids, within its deadline. The id decides the shard, so with one of three
/// shards dead all but one sign-in in 729 still succeed.
const PLACES_TRIED: usize = 6;

/// Opens, refreshes and ends sessions. Cloning shares the keys.
#[derive(Clone)]
pub struct Sessions {
    database: Database,
    cluster: Cluster,
    clock: SharedClock,
    signing_key: Arc<SigningKeyFile>,
    refresh_key: Arc<[u8; 32]>,
    token_lifetime_s: u64,
    lifetimes: Lifetimes,
}

/// What a browser gets: both halves of a session.
pub struct Granted {
    /// For every request.
    pub access_token: String,
    /// Life of the access token.
    pub expires_in: Duration,
    /// For the next refresh.
    pub refresh_handle: String,
    /// What is left of the whole session.
    pub ends_in: Duration,
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
    /// Since when they sign in on this device, if they have before, in Unix seconds.
    pub device_since: Option<u64>,
}

impl Sessions {
    /// Reads the keys.
    pub fn open(
        tokens: &AccessTokens,
        lifetimes: Lifetimes,
        profile: Profile,
        database: Database,
        cluster: Cluster,
        clock: SharedClock,
    ) -> Result<Self, Invalid> {
        Ok(Self {
            database,
            cluster,
            clock,
            signing_key: Arc::new(keys::read_signing_key(&tokens.signing_key_file, profile)?),
            refresh_key: Arc::new(keys::read_secret(&tokens.refresh_key_file, profile)?),
            token_lifetime_s: tokens.lifetime_s,
            lifetimes,
        })
    }

    /// The keys that siblings accept access tokens from.
    pub fn jwks(&self) -> Jwks {
        Jwks { keys: vec![self.signing_key.public.clone()] }
    }

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
            absolute_end: now + self.lifetimes.absolute_s,
            method: who.method,
        };
        let mut last = Error::Internal("no place was tried".to_owned());
        for _ in 0..PLACES_TRIED {
            match store::session::insert(&self.cluster, context, handle.sid, self.idle_s(&handle)).await {
                Ok(()) => return self.grant(&handle, &who.memberships),
                Err(error) if error.retryable() => last = error.into(),
                Err(error) => return Err(error.into()),
            }
            handle.sid = ids::new_id(&*self.clock);
        }
        Err(last)
    }

    /// Gives the next access token and the next handle. A lost reply or a second tab may repeat this within a minute.
    pub async fn refresh(&self, context: &Context, presented: &str) -> Result<Granted, Error> {
        let mut handle = self.open_handle(presented)?;
        let account = {
            let mut reader = self.database.reader(context, Work::Login).await?;
            store::account::find_current(&mut reader, handle.sub, handle.sid)
                .await?
                .ok_or(Error::SessionOver)?
        };
        if account.revoked > handle.epoch || account.is_blocked {
            return Err(Error::SessionOver);
        }
        let (sid, generation, idle_s) = (handle.sid, handle.generation, self.idle_s(&handle));
        let rotation =
            store::session::rotate(&self.cluster, context, sid, generation, self.now_ms(), idle_s).await?;
        handle.generation = match rotation {
            Rotation::Next(generation) => generation,
            Rotation::Killed => {
                tracing::warn!(%sid, "an old refresh handle was used again: the session has been ended");
                self.keep_that_ended(context, &handle).await?;
                return Err(Error::SessionOver);
            }
            Rotation::Unknown => return Err(Error::SessionOver),
        };
        self.grant(&handle, &account.memberships)
    }

    /// The end itself is in the session store and has taken place; when the log is away the answer says so, and the
    /// next use of the handle finds no session.
    async fn keep_that_ended(&self, context: &Context, handle: &RefreshHandle) -> Result<(), Error> {
        let entry = Entry {
            actor: Actor::Service,
            act: "session_family_ended",
            subject: format!("session:{}", handle.sid),
            authority: None,
            details: json!({ "person": handle.sub, "reason": "old_refresh_handle", "generation": handle.generation }),
        };
        let mut transaction = self.database.begin(context, Work::Login).await?;
        audit::append(&mut transaction, &entry).await?;
        Ok(transaction.commit().await?)
    }

    /// Ends the session of a handle. A handle that opens nothing ends nothing, and that is no error.
    pub async fn end(&self, context: &Context, presented: &str) -> Result<(), Error> {
        let Ok(handle) = self.open_handle(presented) else { return Ok(()) };
        Ok(store::session::delete(&self.cluster, context, handle.sid).await?)
    }

    /// Whether a handle was made here and is not over; whether its session still is, only the store knows.
    pub fn is_genuine(&self, presented: &str) -> bool {
        self.open_handle(presented).is_ok()
    }

    fn open_handle(&self, presented: &str) -> Result<RefreshHandle, Error> {
        let handle = RefreshHandle::open(presented, &self.refresh_key).ok_or(Error::SessionOver)?;
        if handle.absolute_end <= self.clock.unix_seconds() { Err(Error::SessionOver) } else { Ok(handle) }
    }

    fn grant(&self, handle: &RefreshHandle, memberships: &[Membership]) -> Result<Granted, Error> {
        let now = self.clock.unix_seconds();
        let left = handle.absolute_end.saturating_sub(now);
        let spread = self.token_lifetime_s / 10;
        let lifetime = self.token_lifetime_s - spread + ids::random().random_range(0..=2 * spread);
        let lifetime = lifetime.min(left);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: handle.sub,
            sid: handle.sid,
            ep: handle.epoch,
            mem: memberships.to_vec(),
            auth_time: handle.auth_time,
            amr: handle.method.amr(),
            dev_since: handle.device_since,
            deg: false,
            iat: now,
            exp: now + lifetime,
        };
        Ok(Granted {
            access_token: sign(&claims, &self.signing_key)
                .map_err(|error| Error::Internal(error.to_string()))?,
            expires_in: Duration::from_secs(lifetime),
            refresh_handle: handle.seal(&self.refresh_key),
            ends_in: Duration::from_secs(left),
        })
    }

    fn idle_s(&self, handle: &RefreshHandle) -> u64 {
        self.lifetimes.idle_s.min(handle.absolute_end.saturating_sub(self.clock.unix_seconds()))
    }

    fn now_ms(&self) -> i64 {
        self.clock.utc().timestamp_millis()
    }
}
