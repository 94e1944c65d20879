//! Settles what can be configured of courses.

use std::path::PathBuf;

use garde::Validate;
use serde::Deserialize;
use shared::config::{Invalid, Profile};
use shared::service::OwnConfig;
use url::Url;

/// What only courses has in its configuration file, under `own`.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How people's sessions are checked.
    #[garde(dive)]
    pub access_tokens: AccessTokens,
    /// Where siblings are.
    #[garde(dive)]
    pub siblings: Siblings,
}

/// How people's sessions are checked.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct AccessTokens {
    /// Where the last good copy of auth's keys is kept, for a start while auth is away.
    #[garde(skip)]
    pub jwks_cache_file: PathBuf,
}

/// Internal addresses of siblings, one per instance.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Siblings {
    /// auth: keys of sessions, and who belongs where.
    #[garde(length(min = 1))]
    pub auth: Vec<Url>,
}

impl OwnConfig for Config {
    fn check(&self, _: Profile) -> Result<(), Invalid> {
        let folder = self.access_tokens.jwks_cache_file.parent();
        if folder.is_some_and(std::path::Path::is_dir) {
            return Ok(());
        }
        Err(Invalid::new("own.access_tokens.jwks_cache_file: its folder must exist and be writable"))
    }
}
