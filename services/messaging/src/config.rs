//! Settles what can be configured of messaging.

use garde::Validate;
use serde::Deserialize;
use shared::config::{Invalid, Profile};
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
    fn check(&self, _: Profile) -> Result<(), Invalid> {
        self.access_tokens.check()
    }
}
