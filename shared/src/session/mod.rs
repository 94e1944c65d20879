//! Settles how every service knows who asks without asking anyone: signed tokens, verified here, carried in cookies.
//!
//! Roles and memberships are the one ENT vocabulary that this crate knows: they are the token's content,
//! and a token that two services read differently would be a hole.

mod claims;
mod cookies;
mod keyring;
mod resource_server;
mod revocation;
mod verifier;

use std::path::Path;
use std::time::Duration;

pub use claims::{Claims, Membership, Role};
pub use cookies::{ACCESS_COOKIE, REFRESH_COOKIE, access_cookie, refresh_cookie, removal_cookies};
pub use keyring::{JWKS_PATH, Jwks, Keyring, follow_jwks};
pub use resource_server::{AccessTokens, ResourceServer};
pub use revocation::{
    Follower, KEPT, LAG_LIMIT, News, REVOCATIONS_PATH, Revocation, RevocationView, Scope, Streams, Unanswered,
};
pub(crate) use verifier::sign_as;
pub use verifier::{Accepted, Refusal, Seen, Standing, Verifier, sign};

/// Type of access tokens (RFC 9068): a token of another type is never accepted as one.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";
/// Who issues access tokens.
pub const ISSUER: &str = "ent-auth";
/// Whom access tokens are for.
pub const AUDIENCE: &str = "ent";
/// No access token may live longer: what was revoked is remembered for as long as a token can be old.
pub const LONGEST_TOKEN_LIFE: Duration = Duration::from_mins(66);
/// How long after its expiry a token is accepted while auth is away.
pub const OVERDUE_LIMIT: Duration = Duration::from_hours(1);

/// Keeps a copy on disk, written beside and renamed: a crash in between leaves the old one whole.
async fn write_whole(file: &Path, text: &str) {
    // Instances in containers may share a folder.
    let beside = file.with_extension(format!("new-{:016x}", u64::from_be_bytes(crate::ids::random_bytes())));
    let written = async {
        tokio::fs::write(&beside, text).await?;
        tokio::fs::rename(&beside, file).await
    };
    if let Err(error) = written.await {
        tracing::warn!(%error, file = %file.display(), "a copy could not be kept on disk");
    }
}
