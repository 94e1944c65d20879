//! Settles how a test gets a PostgreSQL of its own: durable, on a disk that can be made slow, to be stopped and killed.

use std::path::Path;
use std::process::{Command, Stdio};

use refinery::Runner;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio_postgres::{Config, NoTls};

use super::private::{Engine, as_server, folder, hand_over, own_address, own_ports, program};
use super::{TestDatabase, eventually};
use crate::fault::{Identity, SlowDisk};
use crate::ids;

const DISK_SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/faults/slow_disk.c");

/// A PostgreSQL that only this test uses; its processes end with this value. Takes about two seconds to make.
pub struct PrivatePostgres {
    engine: Engine,
    config: Config,
    disk: SlowDisk,
    folder: TempDir,
}

impl PrivatePostgres {
    /// Makes and starts one. Call from the test's own thread.
    pub async fn start() -> Self {
        let folder = folder();
        let disk = slow_disk(folder.path());
        let password = hex::encode(ids::random_bytes::<16>());
        initialise(folder.path(), &password);
        let [port] = own_ports();
        let mut config = Config::new();
        config.host(own_address().to_string()).port(port).user("ent").password(password).dbname("postgres");
        let engine = Engine::start(&server(folder.path(), &config, &disk));
        let mut this = Self { engine, config, disk, folder };
        this.wait_until_ready().await;
        this
    }

    /// The server with all its backends.
    pub fn process(&self) -> Identity {
        self.engine.identity
    }

    /// The disk under its data.
    pub fn disk(&self) -> &SlowDisk {
        &self.disk
    }

    /// A migrated, empty database on it.
    pub async fn database(&self, service: &str, migrations: fn() -> Runner) -> TestDatabase {
        TestDatabase::create_on(self.config.clone(), service, migrations).await
    }

    /// Ends it in order, with an empty memory after the next start.
    pub async fn restart(&mut self) {
        self.engine.identity.signal(Signal::INT);
        let identity = self.engine.identity;
        eventually("PostgreSQL has ended", async || !identity.is_alive()).await;
        self.start_again().await;
    }

    /// Starts it again, after it was killed or has ended.
    pub async fn start_again(&mut self) {
        self.engine.kill();
        self.engine = Engine::start(&server(self.folder.path(), &self.config, &self.disk));
        self.wait_until_ready().await;
    }

    async fn wait_until_ready(&mut self) {
        assert!(self.engine.is_running(), "PostgreSQL has not started; its messages are above");
        let config = &self.config;
        eventually("PostgreSQL takes connections", async || config.connect(NoTls).await.is_ok()).await;
    }
}

fn slow_disk(folder: &Path) -> SlowDisk {
    let disk = SlowDisk::new(folder.to_owned());
    let compiled = disk.compiler(Path::new(DISK_SOURCE)).status();
    assert!(compiled.is_ok_and(|status| status.success()), "`cc` (package gcc) compiles {DISK_SOURCE}");
    disk.put_in_place().expect("a library for the slow disk");
    disk
}

fn initialise(folder: &Path, password: &str) {
    let password_file = folder.join("password");
    std::fs::write(&password_file, password).expect("a password file");
    hand_over(&password_file);
    let mut command = as_server(program("initdb"));
    command.arg("--pgdata").arg(folder.join("data")).arg("--pwfile").arg(&password_file);
    command.args([
        "--username=ent",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ]);
    let made = command.stdout(Stdio::null()).status();
    assert!(made.is_ok_and(|status| status.success()), "initdb failed; its messages are above");
}

fn server(folder: &Path, config: &Config, disk: &SlowDisk) -> Command {
    let mut command = as_server(program("postgres"));
    let address = format!("listen_addresses={}", own_address());
    let port = format!("port={}", config.get_ports().first().expect("a port"));
    command.arg("-D").arg(folder.join("data"));
    for setting in
        [&address, &port, "unix_socket_directories=", "shared_buffers=64MB", "log_min_messages=fatal"]
    {
        command.args(["-c", setting]);
    }
    command.envs(disk.environment());
    command
}
