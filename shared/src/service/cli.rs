//! Settles what a service's binary can be told to do, and what its exit codes mean.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

use super::{Config, SeedError, Service, StartError, audit, readiness, run, seed};
use crate::config::{self, Invalid};
use crate::http::server::openapi;
use crate::keys;
use crate::pg::{self, Database, MigrateError};
use crate::resilience::breaker::Registry;

/// A service of the ENT backend. Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Configuration file (TOML); `ENT_*` variables override it, `__` separates levels.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM.
    Serve,
    /// Bring the database's schema up to date; run it before the new version serves.
    Migrate,
    /// Say whether the configuration and the files it names can be used.
    CheckConfig,
    /// Ask the instance that serves here with this configuration whether it is ready: for a container's health check.
    CheckReady,
    /// Load a demo data set (profile demo or test).
    Seed {
        /// Folder with `manifest.json` and one CSV file per table.
        folder: PathBuf,
        /// Delete the data set that is loaded, and everything written since.
        #[arg(long)]
        replace: bool,
    },
    /// Export the audit log, or check an export.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Print the OpenAPI description of the public routes.
    Openapi,
    /// Make a signing key: FILE (private, mode 0600) and FILE.pub.
    GenerateKey {
        /// Name of the key, as tokens carry it.
        #[arg(long)]
        kid: String,
        /// Make a symmetric key instead, for handles of sessions and secrets of authenticators: FILE alone.
        #[arg(long)]
        secret: bool,
        /// The private file; it must not exist.
        file: PathBuf,
    },
}

/// sysexits.h: something is wrong with the configuration.
pub(super) const EX_CONFIG: u8 = 78;

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("configuration: {0}")]
    Config(#[from] Invalid),
    #[error("{0}")]
    Start(StartError),
    #[error("{0}")]
    Migrate(#[from] MigrateError),
    #[error("seed: {0}")]
    Seed(#[from] SeedError),
    #[error("{0}")]
    Audit(audit::Failure),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl From<audit::Failure> for Failure {
    fn from(failure: audit::Failure) -> Self {
        match failure {
            audit::Failure::Config(invalid) => Self::Config(invalid),
            audit::Failure::Log(_) | audit::Failure::Fault(..) => Self::Audit(failure),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Invalid(invalid) => Self::Config(invalid),
            StartError::Database(_) | StartError::Cluster(_) | StartError::Io(_) => Self::Start(error),
        }
    }
}

/// The whole `main` of a service.
#[expect(clippy::print_stderr, reason = "the command line's own answer")]
pub fn main<S: Service>() -> ExitCode {
    let cli = Cli::parse();
    match execute::<S>(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}: {failure}", S::NAME);
            match failure {
                Failure::Config(_) => ExitCode::from(EX_CONFIG),
                Failure::Start(_)
                | Failure::Migrate(_)
                | Failure::Seed(_)
                | Failure::Audit(_)
                | Failure::Io(_) => ExitCode::FAILURE,
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "the command line's own answer")]
fn execute<S: Service>(cli: &Cli) -> Result<(), Failure> {
    match &cli.command {
        Command::Serve => run::serve::<S>(&load::<S>(cli)?)?,
        Command::Migrate => {
            let config = load::<S>(cli)?;
            let applied = block_on(pg::migrate(&config.postgres, S::migrations()))??;
            println!("{}: {} migration(s) applied {}", S::NAME, applied.len(), applied.join(", "));
        }
        Command::CheckConfig => {
            load::<S>(cli)?;
            println!("{}: the configuration can be used", S::NAME);
        }
        Command::CheckReady => {
            let config = load::<S>(cli)?;
            let status = readiness::ask(config.http.internal_address)?;
            println!("{}: {status}", S::NAME);
        }
        Command::Seed { folder, replace } => match load_data_set::<S>(&load::<S>(cli)?, folder, *replace)? {
            Some(rows) => println!("{}: {rows} rows loaded", S::NAME),
            None => println!("{}: this data set is loaded already", S::NAME),
        },
        Command::Audit(audit::Command::Export { file, first, last }) => {
            let count = block_on(audit::export::<S>(&load::<S>(cli)?, file, *first, *last))??;
            println!("{}: {count} entries exported to {}", S::NAME, file.display());
        }
        Command::Audit(audit::Command::Verify { file, key }) => {
            let proven = audit::verify(file, key)?;
            let (latest, count) = (&proven.latest, proven.checkpoints);
            println!(
                "entries {} to {} of {} are what was signed on {} in a log of {} entries ({count} checkpoints agree)",
                proven.first, proven.last, latest.origin, latest.at, latest.tree.size
            );
        }
        Command::Openapi => println!("{}", openapi::<S>().to_pretty_json().unwrap_or_default()),
        Command::GenerateKey { kid, secret: false, file } => generate_key(kid, file)?,
        Command::GenerateKey { kid, secret: true, file } => {
            create(file, 0o600, &keys::generate_secret(kid))?;
        }
    }
    Ok(())
}

fn load<S: Service>(cli: &Cli) -> Result<Config<S::Own>, Invalid> {
    let file = cli.config.as_deref().ok_or_else(|| Invalid::new("name the file: --config FILE"))?;
    config::load(file)
}

fn load_data_set<S: Service>(
    config: &Config<S::Own>,
    folder: &Path,
    replace: bool,
) -> Result<Option<u64>, Failure> {
    let loading = async {
        let breakers = Registry::new(config.clock(), config.ablate);
        let database = Database::open(&config.postgres, &breakers, &tokio::runtime::Handle::current())?;
        let plan = S::seed_plan();
        Ok::<_, Failure>(seed(&database, config.clock(), config.profile, &plan, folder, replace).await?)
    };
    block_on(loading)?
}

fn block_on<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    Ok(Builder::new_current_thread().enable_all().build()?.block_on(work))
}

fn generate_key(kid: &str, file: &Path) -> std::io::Result<()> {
    let key = keys::generate_signing_key(kid);
    create(file, 0o600, &key.private_jwk)?;
    create(&file.with_added_extension("pub"), 0o644, &key.public_jwk)
}

/// Writes a file that was not there: no key is ever written over another.
fn create(path: &Path, mode: u32, content: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content.as_bytes())
}
