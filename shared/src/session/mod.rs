//! Settles how every service knows who asks without asking anyone: signed tokens, verified here, carried in cookies.
//!
//! Roles and memberships are the one ENT vocabulary that this crate knows: they are the token's content,
//! and a token that two services read differently would be a hole.

mod claims;
mod cookies;
mod keyring;
mod verifier;

pub use claims::{Claims, Membership, Role};
pub use cookies::{ACCESS_COOKIE, REFRESH_COOKIE, access_cookie, refresh_cookie, removal_cookies};
pub use keyring::{JWKS_PATH, Jwks, Keyring, follow_jwks};
pub(crate) use verifier::sign_as;
pub use verifier::{Refusal, Seen, Verifier, sign};

/// Type of access tokens (RFC 9068): a token of another type is never accepted as one.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";
/// Who issues access tokens.
pub const ISSUER: &str = "ent-auth";
/// Whom access tokens are for.
pub const AUDIENCE: &str = "ent";
