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
    let fetch = || async {
        let context = Context::background(clock.clone(), FETCH_LIMIT);
        auth.get::<Jwks>(&context, JWKS_PATH).await
    };
    follow(keyring, fetch, &cache_file, stop).await;
}

async fn follow<F, E>(keyring: Keyring, fetch: impl Fn() -> F, cache_file: &Path, stop: CancellationToken)
where
    F: Future<Output = Result<Jwks, E>>,
    E: std::fmt::Display,
{
    if let Some(jwks) = read_copy(cache_file).await {
        keyring.replace(&jwks);
    }
    loop {
        let pause = match fetch().await {
            Ok(jwks) => {
                keyring.replace(&jwks);
                keep_copy(cache_file, &jwks).await;
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::time::{Instant, advance, sleep};

    use super::*;
    use crate::testing::TestKeys;

    /// When the set was fetched last, in milliseconds, and how often.
    #[derive(Default)]
    struct Fetches {
        at_ms: AtomicU64,
        count: AtomicU64,
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_key_is_asked_for_and_never_more_often_than_twice_a_minute() {
        let (keys, start) = (TestKeys::generate(), Instant::now());
        let fetches = Fetches::default();
        // The key is published with the third fetch.
        let fetch = || async {
            let count = fetches.count.fetch_add(1, Ordering::Relaxed) + 1;
            fetches.at_ms.store(u64::try_from(start.elapsed().as_millis()).unwrap(), Ordering::Relaxed);
            Ok::<_, std::fmt::Error>(if count < 3 { Jwks { keys: vec![] } } else { keys.jwks() })
        };
        let (keyring, stop) = (Keyring::default(), CancellationToken::new());
        let clients = async {
            // Clients ask for it all the time.
            while keyring.get("demo-access").is_none() {
                sleep(Duration::from_millis(100)).await;
            }
            let found_ms = fetches.at_ms.load(Ordering::Relaxed);
            assert_eq!(fetches.count.load(Ordering::Relaxed), 3);
            assert!((60_000..61_000).contains(&found_ms), "{found_ms}");
            advance(Duration::from_mins(4)).await;
            assert_eq!(fetches.count.load(Ordering::Relaxed), 3, "nobody asks for anything");
            stop.cancel();
        };
        let file = keys.file("kept-jwks");
        tokio::join!(follow(keyring.clone(), fetch, &file, stop.clone()), clients);
    }
}
