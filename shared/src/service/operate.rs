//! Settles how operators give a service one command on its host: only PostgreSQL is needed, and the exit code says what came of it.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::cli::EX_CONFIG;
use super::{Config, Service};
use crate::config::{self, Invalid};
use crate::context::Context;
use crate::pg::Database;
use crate::resilience::breaker::Registry;

/// Time for one command.
const LIMIT: Duration = Duration::from_secs(10);

/// What a command says of what it has done, or why nothing was done.
pub type Said = Result<String, Box<dyn Error + Send + Sync>>;

/// Does one command on the database of a service, and says what was done. Exit codes: 0 done, 1 failed and nothing changed,
/// 78 wrong configuration.
#[expect(clippy::print_stderr, clippy::print_stdout, reason = "the command line's own answer")]
pub fn operate<S: Service>(
    file: &Path,
    command: impl AsyncFnOnce(&Config<S::Own>, &Database, &Context) -> Said,
) -> ExitCode {
    match execute::<S>(file, command) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{} operate: {failure}", S::NAME);
            if failure.is::<Invalid>() { ExitCode::from(EX_CONFIG) } else { ExitCode::FAILURE }
        }
    }
}

fn execute<S: Service>(
    file: &Path,
    command: impl AsyncFnOnce(&Config<S::Own>, &Database, &Context) -> Said,
) -> Said {
    let config: Config<S::Own> = config::load(file)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let breakers = Registry::new(config.clock(), config.ablate);
        let database = Database::open(&config.postgres, &breakers, &tokio::runtime::Handle::current())?;
        let context = Context::background(config.clock(), LIMIT);
        command(&config, &database, &context).await
    })
}
