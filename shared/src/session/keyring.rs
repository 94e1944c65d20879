//! Settles which keys a service accepts access tokens from: auth's published set, refetched when a new key appears, kept on disk for the day auth is away.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::write_whole;
use crate::clock::SharedClock;
use crate::context::Context;
use crate::keys::PublicJwk;
use crate::siblings::Sibling;

/// A published key set (RFC 7517, 5).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Jwks {
    /// The keys.
    #[schema(value_type = Vec<Object>)]
    pub keys: Vec<PublicJwk>,
}

/// The keys that tokens are checked against. Cloning shares them.
#[derive(Clone, Default)]
pub struct Keyring {
    keys: Arc<RwLock<HashMap<String, Arc<DecodingKey>>>>,
    wanted: Arc<Notify>,
}

/// Where auth publishes its keys, on its internal address.
pub const JWKS_PATH: &str = "/internal/v1/jwks";
/// How often the set is fetched without any reason.
const REFRESH_EVERY: Duration = Duration::from_mins(5);
/// An unknown key id makes a service fetch again, but never more often than this: key ids come from clients.
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_secs(30);
/// How soon after a failed fetch the next is tried.
const RETRY_AFTER: Duration = Duration::from_secs(2);
const FETCH_LIMIT: Duration = Duration::from_secs(2);

impl Keyring {
    /// Exactly these keys.
    pub fn of(jwks: &Jwks) -> Self {
        let keyring = Self::default();
        keyring.replace(jwks);
        keyring
    }

    /// The key named `kid`; asks for a refetch when it is unknown.
    pub(super) fn get(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        let found = self.keys.read().ok().and_then(|keys| keys.get(kid).cloned());
        if found.is_none() {
            self.wanted.notify_one();
        }
        found
    }

    /// Whether there is any key yet.
    pub fn is_empty(&self) -> bool {
        self.keys.read().is_ok_and(|keys| keys.is_empty())
    }

    fn replace(&self, jwks: &Jwks) {
        let decoded =
            jwks.keys.iter().filter_map(|jwk| Some((jwk.kid.clone(), Arc::new(jwk.decoding().ok()?))));
        let fresh = decoded.collect();
        if let Ok(mut keys) = self.keys.write() {
            *keys = fresh;
        }
    }
}

/// A worker that keeps `keyring` current from auth, starting with the last good copy in `cache_file`.
pub async fn follow_jwks(
    keyring: Keyring,
    auth: Sibling,
    clock: SharedClock,
    cache_file: PathBuf,
    stop: CancellationToken,
) {
    if let Some(jwks) = read_copy(&cache_file).await {
        keyring.replace(&jwks);
    }
    loop {
        let context = Context::background(clock.clone(), FETCH_LIMIT);
        let pause = match auth.get::<Jwks>(&context, JWKS_PATH).await {
            Ok(jwks) => {
                keyring.replace(&jwks);
                keep_copy(&cache_file, &jwks).await;
                UNKNOWN_KEY_PAUSE
            }
            Err(error) => {
                tracing::warn!(%error, "auth's keys could not be fetched; the last good copy stays in use");
                RETRY_AFTER
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
        if pause == RETRY_AFTER {
            continue;
        }
        tokio::select! {
            () = keyring.wanted.notified() => {}
            () = tokio::time::sleep(REFRESH_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn read_copy(file: &Path) -> Option<Jwks> {
    let text = tokio::fs::read_to_string(file).await.ok()?;
    let parsed = serde_json::from_str(&text);
    parsed
        .inspect_err(|_| tracing::warn!(file = %file.display(), "the copy of auth's keys is unreadable"))
        .ok()
}

async fn keep_copy(file: &Path, jwks: &Jwks) {
    write_whole(file, &serde_json::to_string(jwks).unwrap_or_default()).await;
}
