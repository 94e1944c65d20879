//! Settles whether a process runs the program that lies where it was started from, or one that has been replaced since.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::process::Identity;

/// What the kernel adds to the name of a program whose file is no longer there under it.
const REPLACED: &str = " (deleted)";

/// Whether the program's file has been replaced since the process began.
pub(super) fn is_outdated(process: Identity) -> bool {
    let program = std::fs::read_link(format!("/proc/{}/exe", process.pid));
    program.is_ok_and(|program| is_replaced(&program))
}

/// Fails when the process runs an older program than the one that lies there.
pub(super) fn require_current(name: &str, process: Identity) -> Result<()> {
    ensure!(
        !is_outdated(process),
        "the program of {name} was built anew while it started: `cargo ent restart {name}` once more"
    );
    Ok(())
}

fn is_replaced(program: &Path) -> bool {
    program.to_string_lossy().ends_with(REPLACED)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_program_that_is_replaced_while_it_runs_is_noticed() {
        let folder = std::env::temp_dir().join(format!("ent-program-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (program, other) = (folder.join("program"), folder.join("other"));
        for file in [&program, &other] {
            std::fs::copy("/bin/sleep", file).unwrap();
        }
        let mut child = Command::new(&program).arg("60").spawn().unwrap();
        let process = Identity::of(child.id()).unwrap();
        assert!(require_current("auth-1", process).is_ok());
        // As cargo does it: the old file goes, a new one takes its name.
        std::fs::rename(&other, &program).unwrap();
        let refusal = require_current("auth-1", process).unwrap_err().to_string();
        assert!(refusal.contains("cargo ent restart auth-1"), "{refusal}");
        child.kill().unwrap();
        child.wait().unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
