//! Settles what can be configured of messaging.

use std::path::PathBuf;

use garde::Validate;
use serde::Deserialize;
use shared::config::{CrossChecked, Invalid, Profile};
use shared::service::{Concerns, Configuration};
use shared::{http, pg, redis, service_token, telemetry};
use url::Url;

/// The whole configuration file of messaging.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `production`, `demo` or `test`.
    #[garde(skip)]
    pub profile: Profile,
    /// Name of this instance in logs and telemetry.
    #[garde(length(min = 1, max = 64))]
    pub instance: String,
    /// Listeners.
    #[garde(dive)]
    pub http: http::Config,
    /// Database.
    #[garde(dive)]
    pub postgres: pg::Config,
    /// Cluster.
    #[garde(dive)]
    pub redis: redis::Config,
    /// Logs, metrics, traces.
    #[serde(default)]
    #[garde(dive)]
    pub telemetry: telemetry::Config,
    /// Keys between services.
    #[garde(dive)]
    pub service_identity: service_token::Config,
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
    /// courses: who is in which class and teaching group.
    #[garde(length(min = 1))]
    pub courses: Vec<Url>,
}

impl CrossChecked for Config {
    fn cross_check(&self) -> Result<(), Invalid> {
        let folder = self.access_tokens.jwks_cache_file.parent();
        if folder.is_some_and(std::path::Path::is_dir) {
            return Ok(());
        }
        Err(Invalid::new("access_tokens.jwks_cache_file: its folder must exist and be writable"))
    }
}

impl Configuration for Config {
    fn concerns(&self) -> Concerns<'_> {
        Concerns {
            profile: self.profile,
            instance: &self.instance,
            http: &self.http,
            postgres: &self.postgres,
            redis: &self.redis,
            telemetry: &self.telemetry,
            service_identity: &self.service_identity,
        }
    }
}
