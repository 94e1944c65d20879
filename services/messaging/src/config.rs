//! Settles what can be configured of messaging.

use std::path::PathBuf;

use garde::Validate;
use serde::Deserialize;
use shared::config::{Invalid, Profile};
use shared::evidence::ReaderKey;
use shared::service::OwnConfig;
use shared::session::AccessTokens;
use url::Url;

/// What only messaging has in its configuration file, under `own`.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How people's sessions are checked.
    #[garde(dive)]
    pub access_tokens: AccessTokens,
    /// Where siblings are.
    #[garde(dive)]
    pub siblings: Siblings,
    /// Held messages with one of these phrases are shown to reviewers first, however they are spaced or disguised. None comes with
    /// the software, a phrase alone holds nothing, and those under eight letters are not looked for.
    #[garde(inner(length(chars, max = 100)), length(max = 200))]
    #[serde(default)]
    pub review_phrases: Vec<String>,
    /// For whom messages are sealed as evidence; without it no evidence is exported.
    #[serde(default)]
    #[garde(dive)]
    pub evidence: Option<Evidence>,
    /// Streams of news.
    #[serde(default)]
    #[garde(dive)]
    pub event_streams: EventStreams,
}

/// For whom messages are sealed as evidence.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Public keys (X25519 in a JWK) of two persons, made by `ent evidence keys` on machines of theirs.
    #[garde(length(equal = 2))]
    pub reader_key_files: Vec<PathBuf>,
}

impl Config {
    /// The keys of the two persons; none where they are not configured.
    pub fn reader_keys(&self, profile: Profile) -> Result<Vec<ReaderKey>, Invalid> {
        let files = self.evidence.iter().flat_map(|evidence| &evidence.reader_key_files);
        let keys: Vec<ReaderKey> =
            files.map(|file| ReaderKey::read(file, profile)).collect::<Result<_, _>>()?;
        match keys.as_slice() {
            [one, other] if one.reader().public_key == other.reader().public_key => Err(Invalid::new(
                "own.evidence.reader_key_files: name the keys of two persons, not one twice",
            )),
            _ => Ok(keys),
        }
    }
}

/// How many people one instance tells at once what comes and goes in their mailboxes.
#[derive(Debug, Clone, Copy, Deserialize, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct EventStreams {
    /// Streams of one instance; a further one is refused. Each takes a connection, of which `http.max_connections` are left to all
    /// other requests, and one at the front door.
    #[garde(range(min = 1, max = 20_000))]
    pub most: usize,
    /// Streams of one person; a further one ends the oldest.
    #[garde(range(min = 1, max = 100))]
    pub most_of_person: usize,
    /// After so many seconds in which nothing happened a stream is shown to be alive. Shorter than the front door's patience.
    #[garde(range(min = 1, max = 60))]
    pub alive_s: u64,
}

impl Default for EventStreams {
    fn default() -> Self {
        Self { most: 1_000, most_of_person: 5, alive_s: 10 }
    }
}

/// Internal addresses of siblings, one per instance.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Siblings {
    /// auth: keys of sessions, and who belongs where.
    #[garde(length(min = 1))]
    pub auth: Vec<Url>,
    /// courses: who is in which class and teaching group.
    #[garde(length(min = 1))]
    pub courses: Vec<Url>,
}

impl OwnConfig for Config {
    fn check(&self, profile: Profile) -> Result<(), Invalid> {
        self.reader_keys(profile)?;
        self.access_tokens.check()
    }
}
