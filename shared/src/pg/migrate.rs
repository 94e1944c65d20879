//! Settles how schemas change: numbered migrations, applied once, by one process at a time.

use refinery::Runner;
use tokio_postgres::NoTls;
use tokio_postgres::config::TargetSessionAttrs;

use super::{Config, Endpoint, Error, connect};
use crate::config::{Invalid, Secret};

/// Any constant will do, as long as every process that migrates uses the same.
const MIGRATION_LOCK: i64 = 0x656e_745f_6d69_6772;

/// Why a migration did not happen.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The configuration names an unusable secret.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The database refused or is away.
    #[error(transparent)]
    Database(#[from] Error),
    /// A migration failed, or applied ones differ from the files.
    #[error("migration failed: {0}")]
    Migration(#[from] refinery::Error),
}

/// Applies what is missing and returns the names of what it applied. Concurrent callers wait for each other.
pub async fn migrate(config: &Config, runner: Runner) -> Result<Vec<String>, MigrateError> {
    let password = Secret::read(&config.password_file)?;
    let primary = Endpoint { host: config.host.clone(), port: config.port };
    let mut parameters = connect::parameters(config, &primary, &password);
    let (mut client, connection) = parameters
        .target_session_attrs(TargetSessionAttrs::ReadWrite)
        .connect(NoTls)
        .await
        .map_err(Error::from)?;
    let driving = async move { connection.await.map_err(Error::from) };
    let migrating = async move {
        let lock = "set statement_timeout = 0; select pg_advisory_lock($1)"
            .replace("$1", &MIGRATION_LOCK.to_string());
        client.batch_execute(&lock).await.map_err(Error::from)?;
        let report = runner.run_async(&mut client).await?;
        Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
    };
    tokio::select! {
        applied = migrating => applied,
        ended = driving => Err(ended.err().unwrap_or(Error::Busy).into()),
    }
}
