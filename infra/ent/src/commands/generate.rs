//! Settles which committed files are generated, and how stale ones are found.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::cli;
use crate::context::Context;
use crate::exit;
use crate::layout::write_file;
use crate::services::{self, Binaries, SERVICES};

/// Writes the generated files, or with `--check` names those that are not current.
pub(crate) fn run(context: &Context, asked: &cli::Generate) -> Result<u8> {
    let binaries = services::build(context)?;
    let mut stale = Vec::new();
    for service in SERVICES {
        let path = services::openapi_path(&context.layout, service);
        let wanted = description(context, &binaries, service)?;
        if std::fs::read(&path).is_ok_and(|found| found == wanted) {
            continue;
        }
        let name = path.strip_prefix(&context.layout.root).unwrap_or(&path).display().to_string();
        if !asked.check {
            write_file(&path, &wanted, 0o644)?;
            context.ui.line(&format!("wrote {name}"));
        }
        stale.push(name);
    }
    match (stale.is_empty(), asked.check) {
        (true, _) => context.ui.line("All generated files are current."),
        (false, false) => {}
        (false, true) => {
            context
                .ui
                .line(&format!("not current: {}; run `cargo ent generate` and commit", stale.join(", ")));
            return Ok(exit::FAILED);
        }
    }
    Ok(0)
}

fn description(context: &Context, binaries: &Binaries, service: &str) -> Result<Vec<u8>> {
    let mut command = Command::new(binaries.path(service));
    command.arg("openapi").current_dir(&context.layout.root).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("cannot run `{service} openapi`"))?;
    if !output.status.success() || output.stdout.is_empty() {
        bail!("`{service} openapi` failed ({})", output.status);
    }
    let text =
        String::from_utf8(output.stdout).with_context(|| format!("`{service} openapi` printed no text"))?;
    serde_json::from_str::<serde::de::IgnoredAny>(&text)
        .with_context(|| format!("`{service} openapi` printed no JSON"))?;
    Ok(format!("{}\n", text.trim_end()).into_bytes())
}
