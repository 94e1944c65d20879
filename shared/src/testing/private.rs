//! Settles how a test gets engines of its own, to stop, kill or slow them: real processes that end with the test.

use std::ffi::OsStr;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use tempfile::TempDir;

use crate::fault::Identity;

/// A running engine; killed with this value, with all that descends from it.
pub(super) struct Engine {
    child: Child,
    pub(super) identity: Identity,
}

/// The user of a server, when the tests run as root, which PostgreSQL refuses to.
#[derive(Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

impl Engine {
    /// Starts it. Call from the test's own thread: the kernel kills the engine with the thread that has started it, so that
    /// not even a test that is killed leaves it behind. It keeps the test's output open, by which nextest would notice.
    pub(super) fn start(command: &Command) -> Self {
        let mut wrapped = Command::new("setpriv");
        wrapped.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
        wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let child = wrapped.stdin(Stdio::null()).spawn().expect("setpriv (util-linux) starts the engine");
        let identity = Identity::of(child.id()).expect("a process that was just started");
        Self { child, identity }
    }

    /// Whether it runs; one that stands still does.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills it and waits until it is gone.
    pub(super) fn kill(&mut self) {
        self.identity.kill();
        // Already collected when it had ended by itself.
        drop(self.child.wait());
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An address of loopback that no other process uses: 127.64.0.0 and up, by the process id (22 bits on Linux). So the
/// engines of one test can never meet the ports of another's.
pub(super) fn own_address() -> Ipv4Addr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 + high % 64, middle, low)
}

/// Ports of [`own_address`], below those that the kernel gives to clients.
pub(super) fn own_ports<const COUNT: usize>() -> [u16; COUNT] {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    std::array::from_fn(|_| NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A folder that a server's user may use and others may pass through.
pub(super) fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))
        .expect("permissions of a new folder");
    hand_over(folder.path());
    folder
}

/// Gives a file or folder to the user that servers run as.
pub(super) fn hand_over(path: &Path) {
    if let Some(Account { uid, gid }) = account() {
        chown(path, Some(uid), Some(gid)).expect("root may give a file away");
    }
}

/// A command that runs as the user of servers.
pub(super) fn as_server(program: impl AsRef<OsStr>) -> Command {
    let Some(Account { uid, gid }) = account() else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    let (uid, gid) = (uid.to_string(), gid.to_string());
    command.args(["--reuid", &uid, "--regid", &gid, "--clear-groups", "--"]).arg(program);
    command.current_dir("/");
    command
}

/// A program: from the PATH, else from where Debian keeps PostgreSQL's.
pub(super) fn program(name: &str) -> PathBuf {
    let on_path = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut of_debian: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    of_debian.sort();
    let folders = on_path.into_iter().chain(of_debian.into_iter().rev());
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("there is no {name} here: `cargo ent doctor` says how to get it"))
}

/// `postgres`, else `nobody`; none when this is not root.
fn account() -> Option<Account> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let of = |name: &str| {
        let mut fields = accounts
            .lines()
            .map(|line| line.split(':'))
            .find(|fields| fields.clone().next() == Some(name))?;
        Some(Account { uid: fields.nth(2)?.parse().ok()?, gid: fields.next()?.parse().ok()? })
    };
    let found = of("postgres").or_else(|| of("nobody"));
    Some(found.expect("a user `postgres` or `nobody`, since PostgreSQL refuses to run as root"))
}
