//! Settles how a long-running child starts: in its own process group, with a log, and bound to die with its parent.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// The user a child runs as when this process is root and the child refuses to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunAs {
    /// The user's name.
    pub(crate) user: String,
    /// The user's id.
    pub(crate) uid: u32,
    /// The user's group id.
    pub(crate) gid: u32,
    /// Whether it needs the capability to pass through folders closed to it (a checkout under /root).
    pub(crate) can_read_all: bool,
}

/// Everything needed to start one child, and to start it again.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The program.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<OsString>,
    /// What its environment has beyond ours.
    pub(crate) environment: Vec<(String, OsString)>,
    /// Its current folder.
    pub(crate) folder: PathBuf,
    /// Where its standard output and error go.
    pub(crate) log: PathBuf,
    /// The user to become; none: the own one.
    pub(crate) run_as: Option<RunAs>,
    /// What the kernel sends it when this process dies, as `setpriv` names it.
    pub(crate) death_signal: &'static str,
}

impl Launch {
    /// Starts it, with its `log` opened. Call from the main thread only: the kernel ties the parent-death signal to the thread that starts.
    pub(crate) fn spawn(&self, log: &File) -> Result<Child> {
        let mut command = through_setpriv(self.run_as.as_ref(), Some(self.death_signal));
        command.arg(&self.program).args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(&self.folder).stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log.try_clone()?);
        // Its own group: Ctrl-C on the terminal reaches only the supervisor, which then stops all in the right order.
        command.process_group(0);
        command.spawn().with_context(|| format!("cannot start {}", self.program.display()))
    }
}

/// `setpriv` (util-linux) with the user and parent-death signal wanted; program and arguments are still to be added.
///
/// It sets the signal after the user has changed (a change clears it) and does not fork, so that the pid is the program's.
pub(crate) fn through_setpriv(run_as: Option<&RunAs>, death_signal: Option<&str>) -> Command {
    let mut command = Command::new("setpriv");
    if let Some(user) = run_as {
        command.arg("--reuid").arg(&user.user).arg("--regid").arg(user.gid.to_string()).arg("--init-groups");
        if user.can_read_all {
            command.args(["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]);
        }
    }
    if let Some(signal) = death_signal {
        command.args(["--pdeathsig", signal]);
    }
    command.arg("--");
    command
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn sleeper(run_as: Option<RunAs>) -> Launch {
        Launch {
            program: "sleep".into(),
            arguments: vec!["60".into()],
            environment: Vec::new(),
            folder: "/".into(),
            log: "/dev/null".into(),
            run_as,
            death_signal: "TERM",
        }
    }

    /// The kernel counts the thread that started a child as its parent: when that thread ends, so does the child.
    fn ends_with_its_parent(launch: Launch) {
        let mut child = std::thread::spawn(move || {
            let child = launch.spawn(&File::create("/dev/null").unwrap()).unwrap();
            let has_begun =
                || std::fs::read_to_string(format!("/proc/{}/comm", child.id())).unwrap() == "sleep\n";
            while !has_begun() {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            child
        })
        .join()
        .unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(15));
    }

    #[test]
    fn a_child_ends_with_its_parent() {
        ends_with_its_parent(sleeper(None));
    }

    #[test]
    fn a_child_of_another_user_ends_with_its_parent_too() {
        if !rustix::process::geteuid().is_root() {
            // Only root can start children of other users.
            return;
        }
        for can_read_all in [false, true] {
            let nobody = RunAs { user: "nobody".to_owned(), uid: 65534, gid: 65534, can_read_all };
            ends_with_its_parent(sleeper(Some(nobody)));
        }
    }
}
