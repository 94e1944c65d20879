//! Settles what a browser gets for its session: a signed access token and a sealed handle, and how long each is good for.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use shared::clock::SharedClock;
use shared::config::{Invalid, Profile};
use shared::ids;
use shared::keys;
use shared::session::{AUDIENCE, Claims, ISSUER, Jwks, Membership, sign};
use uuid::Uuid;

use super::refresh_handle::RefreshHandle;
use super::signing_keys::SigningKeys;
use crate::config::AccessTokens;
use crate::error::Error;

/// What a browser gets: both halves of a session.
pub struct Granted {
    /// Which session.
    pub sid: Uuid,
    /// For every request.
    pub access_token: String,
    /// Life of the access token.
    pub expires_in: Duration,
    /// For the next refresh.
    pub refresh_handle: String,
    /// What is left of the whole session.
    pub ends_in: Duration,
}

/// What a token is based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The session's record and its account.
    Full,
    /// What could be reached: a short token, good for nothing sensitive.
    Degraded,
}

/// Life of a degraded token, in seconds.
const DEGRADED_LIFETIME_S: u64 = 300;

/// The keys of sessions. Cloning shares them.
#[derive(Clone)]
pub struct SessionTokens {
    clock: SharedClock,
    signing_keys: SigningKeys,
    /// The first one seals, all of them open.
    refresh_keys: Arc<[[u8; 32]]>,
    lifetime_s: u64,
}

impl SessionTokens {
    /// Reads the keys of handles.
    pub fn open(
        config: &AccessTokens,
        signing_keys: SigningKeys,
        profile: Profile,
        clock: SharedClock,
    ) -> Result<Self, Invalid> {
        let refresh_keys = config.refresh_key_files().map(|file| keys::read_secret(file, profile));
        let refresh_keys = refresh_keys.collect::<Result<_, _>>()?;
        Ok(Self { clock, signing_keys, refresh_keys, lifetime_s: config.lifetime_s })
    }

    /// The keys that access tokens are checked against.
    pub fn jwks(&self) -> Jwks {
        self.signing_keys.jwks()
    }

    /// The handle, if it is genuine and its session's time is not over.
    pub fn open_handle(&self, presented: &str) -> Result<RefreshHandle, Error> {
        let opened = self.refresh_keys.iter().find_map(|key| RefreshHandle::open(presented, key));
        let handle = opened.ok_or(Error::SessionOver)?;
        if handle.absolute_end <= self.clock.unix_seconds() { Err(Error::SessionOver) } else { Ok(handle) }
    }

    /// A token for these memberships, and the handle sealed.
    pub fn grant(
        &self,
        handle: &RefreshHandle,
        memberships: &[Membership],
        basis: Basis,
    ) -> Result<Granted, Error> {
        let no_key = || Error::Internal("there is no key for sessions".to_owned());
        let signing_key = self.signing_keys.current().ok_or_else(no_key)?;
        let refresh_key = self.refresh_keys.first().ok_or_else(no_key)?;
        let now = self.clock.unix_seconds();
        let left = handle.absolute_end.saturating_sub(now);
        let lifetime = self.lifetime_s(basis).min(left);
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
            deg: basis == Basis::Degraded,
            iat: now,
            exp: now + lifetime,
        };
        Ok(Granted {
            sid: handle.sid,
            access_token: sign(&claims, signing_key).map_err(|error| Error::Internal(error.to_string()))?,
            expires_in: Duration::from_secs(lifetime),
            refresh_handle: handle.seal(refresh_key),
            ends_in: Duration::from_secs(left),
        })
    }

    /// Up to a tenth more or less, so that tokens do not expire together.
    fn lifetime_s(&self, basis: Basis) -> u64 {
        let lifetime_s = match basis {
            Basis::Full => self.lifetime_s,
            Basis::Degraded => self.lifetime_s.min(DEGRADED_LIFETIME_S),
        };
        let spread = lifetime_s / 10;
        lifetime_s - spread + ids::random().random_range(0..=2 * spread)
    }
}
