//! Settles how missing programs get onto this machine: from the distribution, without starting any of its servers.

use std::process::Command;

use anyhow::{Result, anyhow, bail};

use super::{Engines, Need, find_on_path};
use crate::context::Context;
use crate::process;

/// Installs the packages given as arguments. The policy file is Debian's own way to keep package scripts from starting
/// servers; one that is there already is left as it is, ours goes away whatever happens.
const SCRIPT: &str = r#"
set -eu
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\n# cargo ent: no server is to be started by an installation\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=120 update
apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends "$@"
"#;

/// The engines' programs; installs the missing ones where that is possible.
pub(crate) fn ensure(context: &Context) -> Result<Engines> {
    require_setpriv()?;
    let needs = match Engines::find() {
        Ok(engines) => return Ok(engines),
        Err(needs) => needs,
    };
    let packages: Vec<&str> = needs.iter().map(|need| need.package).collect();
    install_packages(context, &packages, &describe(&needs))?;
    Engines::find().map_err(|needs| {
        anyhow!(
            "after installing, still missing or too old: {}. This distribution's packages are too old; install newer \
             ones (for PostgreSQL: https://apt.postgresql.org), then try again",
            describe(&needs)
        )
    })
}

/// Installs distribution packages, or says the command and ends with a failure where it may not.
pub(crate) fn install_packages(context: &Context, packages: &[&str], reason: &str) -> Result<()> {
    let advice = format!("missing: {reason}. Install with: {}", install_command(packages));
    if !is_debian() {
        return Err(anyhow!("{advice} (or your system's equivalent)"));
    }
    let Some(mut command) = administrator_shell() else { return Err(anyhow!(advice)) };
    context.ui.line(&format!("Missing: {reason}."));
    context.ui.line(&format!("Installing from the distribution, starting no server: {}", packages.join(" ")));
    command.args(["-c", SCRIPT, "cargo-ent"]).args(packages);
    // Standard output is for what the command was asked for, which may be JSON.
    command.stdin(std::process::Stdio::null()).stdout(std::io::stderr());
    let status = process::attached(&context.signals, command)?;
    if !status.success() {
        bail!("the installation failed ({status}); try by hand: {}", install_command(packages));
    }
    Ok(())
}

/// The command that a person would type.
pub(crate) fn install_command(packages: &[&str]) -> String {
    let packages = packages.join(" ");
    format!("sudo apt-get update && sudo apt-get install -y --no-install-recommends {packages}")
}

/// Whether packages come from apt here.
pub(crate) fn is_debian() -> bool {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    is_debian_release(&release) && find_on_path("apt-get").is_some()
}

fn is_debian_release(release: &str) -> bool {
    let values =
        release.lines().filter_map(|line| line.strip_prefix("ID=").or(line.strip_prefix("ID_LIKE=")));
    values.flat_map(|value| value.trim_matches('"').split(' ')).any(|id| matches!(id, "debian" | "ubuntu"))
}

/// A shell that may install: as root itself, else through sudo when it asks for no password.
fn administrator_shell() -> Option<Command> {
    if rustix::process::geteuid().is_root() {
        return Some(Command::new("sh"));
    }
    let test = Command::new("sudo").args(["-n", "true"]).output().ok()?;
    test.status.success().then(|| {
        let mut command = Command::new("sudo");
        command.args(["-n", "sh"]);
        command
    })
}

fn describe(needs: &[Need]) -> String {
    let all: Vec<String> =
        needs.iter().map(|need| format!("{} {} or newer", need.title, need.at_least)).collect();
    all.join(", ")
}

fn require_setpriv() -> Result<()> {
    if find_on_path("setpriv").is_some() {
        return Ok(());
    }
    let command = install_command(&["util-linux"]);
    Err(anyhow!(
        "missing: setpriv (util-linux), which binds the engines to their supervisor. Install with: {command}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_its_children_are_recognised() {
        assert!(is_debian_release("PRETTY_NAME=x\nID=debian\n"));
        assert!(is_debian_release("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian_release("ID=fedora\nID_LIKE=\"rhel centos\"\n"));
    }
}
