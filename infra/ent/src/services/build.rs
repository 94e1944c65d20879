//! Settles how the services' programs are built and where cargo put them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::SERVICES;
use crate::context::Context;
use crate::process;

/// The services' programs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Binaries {
    paths: BTreeMap<String, PathBuf>,
}

impl Binaries {
    /// The program of one service.
    pub(crate) fn path(&self, service: &str) -> PathBuf {
        self.paths.get(service).cloned().unwrap_or_else(|| PathBuf::from(service))
    }
}

/// Builds the services in release mode; cargo shows its own progress.
pub(crate) fn build(context: &Context) -> Result<Binaries> {
    context.ui.line("Building the services (release) ...");
    let list = context.layout.path("run").join(format!("cargo.{}", std::process::id()));
    let mut command = cargo(&context.layout.root);
    command.args(["build", "--release", "--message-format=json-render-diagnostics"]);
    for service in SERVICES {
        command.args(["--package", service]);
    }
    command.stdin(Stdio::null()).stdout(File::create(&list)?);
    let status = process::attached(&context.signals, command);
    let messages = std::fs::read_to_string(&list);
    std::fs::remove_file(&list)?;
    if !status?.success() {
        bail!("the services do not build; cargo's messages are above");
    }
    let paths = executables(&messages?);
    for service in SERVICES {
        paths.get(service).with_context(|| format!("cargo built no program `{service}`"))?;
    }
    Ok(Binaries { paths })
}

/// A cargo command without what an outer `cargo run` left in the environment about its own package.
pub(crate) fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO_CRATE_NAME"
        {
            command.env_remove(&name);
        }
    }
    command
}

#[derive(Deserialize)]
struct Artifact {
    reason: String,
    executable: Option<PathBuf>,
}

/// Cargo's messages, one JSON object a line; only those about finished programs matter.
fn executables(messages: &str) -> BTreeMap<String, PathBuf> {
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
    let programs = artifacts.filter(|artifact| artifact.reason == "compiler-artifact");
    let named = programs.filter_map(|artifact| {
        let path = artifact.executable?;
        Some((path.file_stem()?.to_str()?.to_owned(), path))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_among_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"x"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"auth"},"executable":"/t/release/auth"}"#,
            "\nnot json\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        let found = executables(messages);
        assert_eq!(found.len(), 1);
        assert_eq!(found["auth"], Path::new("/t/release/auth"));
    }
}
