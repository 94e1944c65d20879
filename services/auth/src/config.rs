//! Settles what can be configured of auth.

use std::path::PathBuf;

use garde::Validate;
use serde::Deserialize;
use shared::config::{Invalid, Profile};
use shared::keys;
use shared::service::OwnConfig;
use shared::session::Membership;

use crate::domain::signing_keys;

use crate::domain::waiting_room::Weights;

/// What only auth has in its configuration file, under `own`.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Keys of people's sessions.
    #[garde(dive)]
    pub access_tokens: AccessTokens,
    /// How secrets of authenticators are kept.
    #[garde(dive)]
    pub authenticators: Authenticators,
    /// How long sessions live.
    #[serde(default)]
    #[garde(dive)]
    pub sessions: Sessions,
    /// What sign-ins may cost.
    #[serde(default)]
    #[garde(dive)]
    pub sign_in: SignIn,
    /// What passwords are checked against when they are set.
    #[serde(default)]
    #[garde(dive)]
    pub passwords: Passwords,
    /// How people wait when more sign in than can.
    #[serde(default)]
    #[garde(dive)]
    pub waiting_room: WaitingRoom,
    /// What is kept of sign-ins.
    #[serde(default)]
    #[garde(dive)]
    pub security_events: SecurityEvents,
}

/// What sessions are signed with.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct AccessTokens {
    /// Private Ed25519 key (JWK) that signs access tokens.
    #[garde(skip)]
    pub signing_key_file: PathBuf,
    /// Keys that come after it, oldest first. Each is published at once and signs an hour later; the ones before it stay
    /// published. Add one to every instance within that hour, and take the oldest away a day later.
    #[serde(default)]
    #[garde(length(max = 8))]
    pub newer_signing_key_files: Vec<PathBuf>,
    /// Symmetric key (JWK) that authenticates refresh handles.
    #[garde(skip)]
    pub refresh_key_file: PathBuf,
    /// Keys that handles were sealed with before: those still open, and are sealed anew at their next refresh.
    #[serde(default)]
    #[garde(length(max = 8))]
    pub older_refresh_key_files: Vec<PathBuf>,
    /// Life of an access token, in seconds; each one gets up to a tenth more or less, so that they do not expire together.
    #[serde(default = "default_lifetime_s")]
    #[garde(range(min = 60, max = 3_600))]
    pub lifetime_s: u64,
}

impl AccessTokens {
    /// Every key that access tokens are signed with, oldest first.
    pub fn signing_key_files(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.signing_key_file).chain(&self.newer_signing_key_files)
    }

    /// A session must be able to rest for this long, in seconds: people at work refresh it once in the life of a token.
    pub fn shortest_idle_s(&self) -> u64 {
        2 * self.lifetime_s
    }

    /// Every key that a handle may be sealed with, the current one first.
    pub fn refresh_key_files(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.refresh_key_file).chain(&self.older_refresh_key_files)
    }
}

/// How secrets of authenticators are kept.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Authenticators {
    /// Symmetric key (JWK) that encrypts them. Without it nobody with an authenticator can sign in: keep a copy apart from
    /// the database's.
    #[garde(skip)]
    pub key_file: PathBuf,
    /// Keys that secrets were encrypted with before: those still open, and are encrypted anew when they are used next.
    /// Recovery codes of before stay good for as long as their key is here.
    #[serde(default)]
    #[garde(length(max = 8))]
    pub older_key_files: Vec<PathBuf>,
    /// Whose account it is, as the authenticator shows it.
    #[serde(default = "default_issuer")]
    #[garde(length(chars, min = 1, max = 64), custom(shared::http::line))]
    pub issuer: String,
}

impl Authenticators {
    /// Every key that a secret may be encrypted with, the current one first.
    pub fn key_files(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.key_file).chain(&self.older_key_files)
    }
}

fn default_issuer() -> String {
    "ENT".to_owned()
}

fn default_lifetime_s() -> u64 {
    600
}

/// How long sessions live: of pupils and guardians here, of people with any role of the personnel under `staff`.
#[derive(Debug, Clone, Copy, Deserialize, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// A session that was not refreshed for this long ends, in seconds.
    #[garde(range(min = 60, max = 2_592_000))]
    pub idle_s: u64,
    /// A session ends this long after the sign-in, whatever happens, in seconds.
    #[garde(range(min = 60, max = 2_592_000))]
    pub absolute_s: u64,
    /// The same limits for the personnel, whose sessions open more doors.
    #[garde(dive)]
    pub staff: Lifetime,
}

/// The limits of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Lifetime {
    /// Between two refreshes, in seconds.
    #[garde(range(min = 60, max = 2_592_000))]
    pub idle_s: u64,
    /// From the sign-in to the end, in seconds.
    #[garde(range(min = 60, max = 2_592_000))]
    pub absolute_s: u64,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self { idle_s: 3_600, absolute_s: 10 * 3_600 }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self { idle_s: 2 * 3_600, absolute_s: 12 * 3_600, staff: Lifetime::default() }
    }
}

impl Sessions {
    /// The limits of somebody with these roles.
    pub fn of(&self, memberships: &[Membership]) -> Lifetime {
        let is_staff = memberships.iter().any(|membership| membership.role.is_staff());
        if is_staff { self.staff } else { Lifetime { idle_s: self.idle_s, absolute_s: self.absolute_s } }
    }
}

/// What sign-ins may cost.
#[derive(Debug, Clone, Copy, Deserialize, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct SignIn {
    /// Threads that hash passwords; the machine's cores when absent.
    #[garde(inner(range(min = 1, max = 256)))]
    pub hash_threads: Option<usize>,
    /// Share of its core that a hash thread takes at most; below 1 where databases and front door share the machine.
    #[garde(range(min = 0.05, max = 1.0))]
    pub hash_share: f64,
    /// Sign-ins that may wait for a hash thread. The waiting room lets in as many as take three
    /// seconds: at 16 ms a hash, 187 per thread.
    #[garde(range(min = 1, max = 10_000))]
    pub queue: usize,
}

impl Default for SignIn {
    fn default() -> Self {
        Self { hash_threads: None, hash_share: 1.0, queue: 512 }
    }
}

/// What passwords are checked against when they are set.
#[derive(Debug, Clone, Default, Deserialize, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Passwords {
    /// Known passwords besides the obvious ones that are built in: made by `auth breach-filter build` from a public list
    /// of SHA-1 hashes. A file that cannot be read keeps auth from starting.
    #[garde(skip)]
    pub breach_filter_file: Option<PathBuf>,
}

/// What is kept of sign-ins.
#[derive(Debug, Clone, Copy, Deserialize, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct SecurityEvents {
    /// Events that may wait to be written, and as many refusals; one takes about 300 bytes. More are counted as lost.
    #[garde(range(min = 1, max = 1_000_000))]
    pub queue: usize,
}

impl Default for SecurityEvents {
    fn default() -> Self {
        Self { queue: 20_000 }
    }
}

/// How people wait when more sign in than can.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct WaitingRoom {
    /// How the lanes share what can be served.
    #[garde(dive)]
    pub weights: Weights,
    /// Where the page sends people when it is their turn: the ENT's sign-in page.
    #[garde(length(min = 1, max = 512), prefix("/"), ascii)]
    pub sign_in_page: String,
}

impl Default for WaitingRoom {
    fn default() -> Self {
        Self { weights: Weights::default(), sign_in_page: "/".to_owned() }
    }
}

impl OwnConfig for Config {
    fn check(&self, profile: Profile) -> Result<(), Invalid> {
        let others = Lifetime { idle_s: self.sessions.idle_s, absolute_s: self.sessions.absolute_s };
        for (section, limits) in [("sessions", others), ("sessions.staff", self.sessions.staff)] {
            if limits.idle_s > limits.absolute_s {
                return Err(Invalid::new(format!(
                    "own.{section}.idle_s: must not be longer than own.{section}.absolute_s"
                )));
            }
            if self.access_tokens.lifetime_s > limits.idle_s {
                return Err(Invalid::new(format!(
                    "own.access_tokens.lifetime_s: must not be longer than own.{section}.idle_s"
                )));
            }
        }
        signing_keys::read(self.access_tokens.signing_key_files(), profile)?;
        self.access_tokens
            .refresh_key_files()
            .chain(self.authenticators.key_files())
            .try_for_each(|file| keys::read_secret(file, profile).map(drop))?;
        Ok(())
    }
}
