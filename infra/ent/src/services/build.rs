//! Settles how programs of this workspace are built and where cargo put them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::SERVICES;
use crate::context::Context;
use crate::process;

/// Where programs lie in the image.
const IMAGE_PROGRAMS: &str = "/usr/local/bin";

/// Programs of this workspace.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Binaries {
    paths: BTreeMap<String, PathBuf>,
}

impl Binaries {
    /// The services' programs of the image that this one came with.
    pub(crate) fn of_image() -> Self {
        let path = |name: &str| (name.to_owned(), Path::new(IMAGE_PROGRAMS).join(name));
        Self { paths: SERVICES.into_iter().map(path).collect() }
    }

    /// Where one of them lies.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.paths.get(name).cloned().unwrap_or_else(|| PathBuf::from(name))
    }
}

/// Builds the services in release mode; cargo shows its own progress.
pub(crate) fn build(context: &Context) -> Result<Binaries> {
    context.ui.line("Building the services (release) ...");
    build_programs(context, &SERVICES)
}

/// Builds programs of this workspace, each the only one of its package, in release mode.
pub(crate) fn build_programs(context: &Context, names: &[&str]) -> Result<Binaries> {
    let packages: Vec<&str> = names.iter().flat_map(|name| ["--package", name]).collect();
    Ok(Binaries { paths: chosen(context, &packages, names)? })
}

/// Builds an example of a package, in release mode.
pub(crate) fn build_example(context: &Context, package: &str, name: &str) -> Result<PathBuf> {
    let mut built = chosen(context, &["--package", package, "--example", name], &[name])?;
    built.remove(name).with_context(|| format!("cargo built no program `{name}`"))
}

/// Builds what `options` choose; the programs of these names have to be among it.
fn chosen(context: &Context, options: &[&str], names: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    let list = context.layout.path("run").join(format!("cargo.{}", std::process::id()));
    let mut command = cargo(&context.layout.root);
    command.args(["build", "--release", "--message-format=json-render-diagnostics"]).args(options);
    command.stdin(Stdio::null()).stdout(File::create(&list)?);
    let status = process::attached(&context.signals, command);
    let messages = std::fs::read_to_string(&list);
    std::fs::remove_file(&list)?;
    if !status?.success() {
        bail!("{} cannot be built; cargo's messages are above", names.join(", "));
    }
    let paths = executables(&messages?);
    for name in names {
        paths.get(*name).with_context(|| format!("cargo built no program `{name}`"))?;
    }
    Ok(paths)
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
