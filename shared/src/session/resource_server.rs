//! Settles what a service that is not auth does to know who asks: auth's keys and revocations, followed, and kept on disk for the day auth is away.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use garde::Validate;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use super::revocation::copy_of;
use super::{Follower, Keyring, News, REVOCATIONS_PATH, RevocationView, Unanswered, Verifier, follow_jwks};
use crate::ablation::Part;
use crate::config::Invalid;
use crate::context::Context;
use crate::service::Kit;
use crate::siblings::Sibling;

/// How people's sessions are checked.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct AccessTokens {
    /// Where the last good copy of auth's keys is kept, for a start while auth is away.
    #[garde(skip)]
    pub jwks_cache_file: PathBuf,
    /// Where a copy of what was revoked is kept, for the same.
    #[garde(skip)]
    pub revocations_cache_file: PathBuf,
}

impl AccessTokens {
    /// Whether the copies can be written.
    pub fn check(&self) -> Result<(), Invalid> {
        let keys =
            [("jwks", &self.jwks_cache_file), ("revocations", &self.revocations_cache_file)].into_iter();
        let is_missing = |file: &PathBuf| !file.parent().is_some_and(std::path::Path::is_dir);
        match keys.into_iter().find(|(_, file)| is_missing(file)) {
            None => Ok(()),
            Some((name, _)) => Err(Invalid::new(format!(
                "own.access_tokens.{name}_cache_file: its folder must exist and be writable"
            ))),
        }
    }
}

/// How long a start waits for auth before it goes on with its copy.
const FIRST_LIMIT: Duration = Duration::from_secs(2);

/// What checks access tokens in a service that auth is a sibling of (a resource server, RFC 6749). Cloning shares it.
#[derive(Clone)]
pub struct ResourceServer {
    files: AccessTokens,
    keyring: Keyring,
    revoked: RevocationView,
    verifier: Verifier,
    follower: Follower,
    auth: Sibling,
}

impl ResourceServer {
    /// Learns what was revoked before anybody is let in: from auth, or else from the copy. With neither, requests with a
    /// token are answered 503 until auth is heard.
    pub async fn open(files: &AccessTokens, auth: &Sibling, kit: &Kit) -> Self {
        let (keyring, revoked) = (Keyring::default(), RevocationView::new(kit.clock.clone()));
        revoked.observe(kit.metrics.meter());
        if let Some(copy) = copy_of(&files.revocations_cache_file).await {
            revoked.recall(&copy);
        }
        let follower = Follower::new(revoked.clone(), kit.cluster.clone(), kit.clock.clone());
        let first = timeout(FIRST_LIMIT, follower.catch_up(&ask(auth))).await;
        if !matches!(first, Ok(Ok(()))) {
            tracing::warn!(
                has_copy = revoked.is_known(),
                "auth does not say what was revoked; it is asked again"
            );
        }
        let is_ablated = kit.breakers.ablation().removes(Part::Revocation);
        let verifier = Verifier::new(keyring.clone(), revoked.clone(), kit.clock.clone());
        let verifier = verifier.accepting_overdue().ablated(is_ablated);
        Self { files: files.clone(), keyring, revoked, verifier, follower, auth: auth.clone() }
    }

    /// Starts to follow auth.
    pub fn start_workers(&self, kit: &Kit) {
        let (keyring, auth, file) =
            (self.keyring.clone(), self.auth.clone(), self.files.jwks_cache_file.clone());
        kit.workers.spawn(|stop| follow_jwks(keyring, auth, kit.clock.clone(), file, stop));
        self.follower.start(&kit.workers, ask(&self.auth));
        self.follower.keep(&kit.workers, self.files.revocations_cache_file.clone());
    }

    /// What checks access tokens.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// What is known of revocations, for `/statusz`.
    pub fn status(&self) -> Value {
        self.revoked.report()
    }
}

/// Auth's answer to what was revoked after an epoch.
fn ask(
    auth: &Sibling,
) -> impl Fn(Context, i64) -> BoxFuture<'static, Result<News, Unanswered>> + Send + Sync + 'static {
    let auth = auth.clone();
    move |context, after| {
        let auth = auth.clone();
        Box::pin(async move { Ok(auth.get(&context, &format!("{REVOCATIONS_PATH}?after={after}")).await?) })
    }
}
