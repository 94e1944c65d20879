//! Settles how a private PostgreSQL is made and with which settings it runs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use shared::fault::SlowDisk;

use super::Admin;
use crate::context::Context;
use crate::installation::secrets;
use crate::layout::{make_dir, remove_dir, write_file};
use crate::machine::Engines;
use crate::process::{self, Launch, RunAs};

/// The superuser of every private PostgreSQL here.
pub(crate) const SUPERUSER: &str = "ent";

/// What a crash of the machine may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Nothing that was committed.
    Full,
    /// Everything: the test instance is thrown away after the run, and waiting for the disk would be its main cost.
    None,
}

/// One private PostgreSQL.
pub(crate) struct Postgres {
    /// Its port on 127.0.0.1.
    pub(crate) port: u16,
    password_file: PathBuf,
    programs: PathBuf,
    data: PathBuf,
    log: PathBuf,
    run_as: Option<RunAs>,
    durability: Durability,
    max_connections: u32,
    environment: Vec<(String, OsString)>,
}

impl Postgres {
    /// A PostgreSQL with its data in `folder`, of the version that made them, else of the newest installed.
    pub(crate) fn new(
        context: &Context,
        engines: &Engines,
        folder: &Path,
        port: u16,
        durability: Durability,
        log: PathBuf,
    ) -> Result<Self> {
        let run_as = crate::machine::server_user(context, folder)?;
        let data = folder.join("postgres");
        let made_by = std::fs::read_to_string(data.join("PG_VERSION")).ok();
        let made_by: Option<u32> = made_by.and_then(|text| text.trim().parse().ok());
        let fits = |major: u32| made_by.is_none_or(|made_by| made_by == major);
        let Some(found) = engines.postgres.iter().find(|found| fits(found.version.major)) else {
            bail!(
                "{} was made by PostgreSQL {}, which is not installed; install it, or remove that folder to begin anew",
                data.display(),
                made_by.unwrap_or_default()
            );
        };
        let programs = found.path.parent().unwrap_or(Path::new("/usr/bin")).to_path_buf();
        let password_file = folder.join("secrets/postgres-superuser");
        Ok(Self {
            port,
            password_file,
            programs,
            data,
            log,
            run_as,
            durability,
            max_connections: connections(1),
            environment: Vec::new(),
        })
    }

    /// Room for more connections.
    pub(crate) fn with_instances(self, instances: u16) -> Self {
        Self { max_connections: connections(instances), ..self }
    }

    /// On a disk that can be made slow.
    pub(crate) fn with_slow_disk(self, disk: Option<&SlowDisk>) -> Self {
        Self { environment: disk.map(SlowDisk::environment).unwrap_or_default(), ..self }
    }

    /// The superuser's way in.
    pub(crate) fn admin(&self) -> Result<Admin> {
        Ok(Admin { host: "127.0.0.1", port: self.port, password: secrets::ensure(&self.password_file)? })
    }

    /// Makes the data folder when there is none. An interrupted attempt leaves nothing behind that looks finished.
    pub(crate) fn prepare(&self, context: &Context) -> Result<()> {
        let password = secrets::ensure(&self.password_file)?;
        if self.data.join("PG_VERSION").is_file() {
            return Ok(());
        }
        let new = self.data.with_extension("new");
        remove_dir(&new)?;
        make_dir(&new, 0o700)?;
        // initdb reads the password from a file that the server's user can open.
        let password_file = self.data.with_extension("password");
        write_file(&password_file, password.trim(), 0o600)?;
        if let Some(user) = &self.run_as {
            for path in [&new, &password_file] {
                std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid))?;
            }
        }
        let result = self.initialise(context, &new, &password_file);
        std::fs::remove_file(&password_file)?;
        result?;
        std::fs::rename(&new, &self.data).context("cannot put PostgreSQL's data folder in place")
    }

    fn initialise(&self, context: &Context, folder: &Path, password_file: &Path) -> Result<()> {
        let mut command = Command::new(self.programs.join("initdb"));
        command
            .arg("--pgdata")
            .arg(folder)
            .arg("--username")
            .arg(SUPERUSER)
            .arg("--pwfile")
            .arg(password_file);
        command.args(["--auth-host=scram-sha-256", "--auth-local=reject"]);
        command.args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]);
        if self.durability == Durability::None {
            command.arg("--no-sync");
        }
        let limit = Duration::from_mins(2);
        let run_as = self.run_as.as_ref();
        process::captured(&context.layout, &context.signals, &command, run_as, limit)?.success("initdb")?;
        Ok(())
    }

    /// How the server is started.
    pub(crate) fn launch(&self) -> Launch {
        let mut arguments = vec!["-D".into(), self.data.clone().into_os_string()];
        for (name, value) in self.settings() {
            arguments.extend(["-c".into(), format!("{name}={value}").into()]);
        }
        Launch {
            program: self.programs.join("postgres"),
            arguments,
            environment: self.environment.clone(),
            folder: PathBuf::from("/"),
            log: self.log.clone(),
            run_as: self.run_as.clone(),
            // SIGINT is PostgreSQL's fast shutdown: connections are broken off, everything committed is kept.
            death_signal: "INT",
        }
    }

    /// Given as arguments, so that a newer `ent` needs no file changed.
    fn settings(&self) -> Vec<(&'static str, String)> {
        let is_durable = if self.durability == Durability::Full { "on" } else { "off" };
        let mut settings = settings("127.0.0.1", self.port, self.max_connections);
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            settings.push((name, is_durable.to_owned()));
        }
        settings
    }
}

/// How many connections so many instances of each service need: each may hold 18 (read 8, write 4, login 4, background 2).
pub(crate) fn connections(instances: u16) -> u32 {
    (3 * u32::from(instances) * 18 + 20).max(200)
}

/// Settings for a small machine.
pub(crate) fn settings(listens: &str, port: u16, max_connections: u32) -> Vec<(&'static str, String)> {
    let fixed = [
        ("listen_addresses", listens),
        // No socket file: nobody connects but by address and password.
        ("unix_socket_directories", ""),
        ("shared_buffers", "256MB"),
        ("effective_cache_size", "1GB"),
        ("work_mem", "8MB"),
        ("maintenance_work_mem", "128MB"),
        ("max_wal_size", "2GB"),
        ("checkpoint_timeout", "15min"),
        ("wal_compression", "on"),
        ("random_page_cost", "1.1"),
        // Short queries under load: compiling them costs more than running them.
        ("jit", "off"),
        // A client that vanished must not hold its locks for long.
        ("idle_in_transaction_session_timeout", "30s"),
        ("client_connection_check_interval", "2s"),
        ("log_line_prefix", "%m [%p] %q%u@%d "),
        ("log_min_duration_statement", "500ms"),
        // Parameters are people's data: they stay out of the log.
        ("log_parameter_max_length", "0"),
        ("log_parameter_max_length_on_error", "0"),
        ("log_lock_waits", "on"),
    ];
    let mut settings: Vec<(&str, String)> =
        fixed.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    settings.push(("port", port.to_string()));
    settings.push(("max_connections", max_connections.to_string()));
    settings
}
