//! Settles the configuration file of a service: the concerns that all have, and the service's own.

use garde::Validate;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::calendar::Calendar;
use super::certificate;
use crate::ablation::Ablation;
use crate::clock::{SharedClock, system_clock};
use crate::config::{CrossChecked, Invalid, Profile, must_be_file};
use crate::{audit, http, pg, redis, service_token, telemetry};

/// The whole configuration file of a service.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Config<O: OwnConfig> {
    /// `production`, `demo` or `test`.
    #[garde(skip)]
    pub profile: Profile,
    /// Name of this instance in logs and telemetry; the machine's name when absent, which in containers tells instances apart.
    #[serde(default = "host_name")]
    #[garde(length(min = 1, max = 64))]
    pub instance: String,
    /// Parts of the resilience kit that are switched off, for proofs (profile demo or test): `["breakers"]`.
    #[serde(default)]
    #[garde(skip)]
    pub ablate: Ablation,
    /// File that says how many seconds the service's calendar is ahead of the machine's, for proofs (profile demo or test): 86400 for
    /// tomorrow. When it changes, the instance drains and ends.
    #[serde(default)]
    #[garde(skip)]
    pub clock_ahead_file: Option<Calendar>,
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
    /// Checkpoints of the audit log; without it they are neither signed nor written.
    #[serde(default)]
    #[garde(dive)]
    pub audit: Option<audit::Config>,
    /// What only this service has.
    #[serde(bound = "O: DeserializeOwned")]
    #[garde(dive)]
    pub own: O,
}

impl<O: OwnConfig> Config<O> {
    /// The time, as this service is told it.
    pub fn clock(&self) -> SharedClock {
        self.clock_ahead_file.as_ref().map_or_else(system_clock, Calendar::clock)
    }

    fn check_clock(&self) -> Result<(), Invalid> {
        if self.clock_ahead_file.is_none() || self.profile.accepts_demo() {
            return Ok(());
        }
        Err(Invalid::new(format!("clock_ahead_file: is for proofs only, and profile is {}", self.profile)))
    }
}

/// Of a machine, a container or a pod.
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// What only one service has.
pub trait OwnConfig: DeserializeOwned + Validate<Context = ()> + Clone + Send + Sync + 'static {
    /// Compares values with each other and with the files they name.
    fn check(&self, profile: Profile) -> Result<(), Invalid>;
}

impl<O: OwnConfig> CrossChecked for Config<O> {
    /// Reads every file that is named, without touching an engine.
    fn cross_check(&self) -> Result<(), Invalid> {
        self.ablate.check(self.profile)?;
        self.check_clock()?;
        must_be_file("postgres.password_file", &self.postgres.password_file)?;
        if let Some(file) = &self.redis.password_file {
            must_be_file("redis.password_file", file)?;
        }
        if let Some(file) = &self.http.front_door_certificate {
            certificate::check(file, self.profile)?;
        }
        service_token::Identity::open(&self.service_identity, "check", self.profile, self.clock())?;
        if let Some(audit) = &self.audit {
            audit.check()?;
            audit::Checkpoints::open(audit, &self.service_identity.key_file, self.profile)?;
        }
        self.own.check(self.profile)
    }
}
