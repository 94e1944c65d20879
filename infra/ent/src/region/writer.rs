//! Settles how generated rows reach the disk: CSV with a header, streamed, as PostgreSQL's COPY reads it, readable by their owner only.

use std::fs::{self, File, OpenOptions};
use std::io::BufWriter;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use super::TableCount;

/// Passwords, their hashes and TOTP secrets are among the rows.
const OWNER_ONLY: u32 = 0o600;

/// The file that says what its folder holds, and that it is complete.
const MANIFEST: &str = "manifest.json";

/// One file of rows of one table. An empty field is written without quotes, which COPY reads as null.
pub(super) struct Table {
    service: &'static str,
    name: &'static str,
    columns: usize,
    rows: u64,
    writer: csv::Writer<BufWriter<File>>,
}

impl Table {
    /// Creates `out/<service>/<name>.csv` with its header.
    pub(super) fn create(
        out: &Path,
        service: &'static str,
        name: &'static str,
        columns: &[&'static str],
    ) -> anyhow::Result<Self> {
        Self::create_at(&out.join(service).join(format!("{name}.csv")), service, name, columns)
    }

    /// Creates `path` with its header.
    pub(super) fn create_at(
        path: &Path,
        service: &'static str,
        name: &'static str,
        columns: &[&'static str],
    ) -> anyhow::Result<Self> {
        let mut writer = csv::Writer::from_writer(BufWriter::with_capacity(1 << 16, open(path)?));
        writer.write_record(columns).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { service, name, columns: columns.len(), rows: 0, writer })
    }

    /// Appends a row: one field per column of the header.
    pub(super) fn row(&mut self, fields: &[&str]) -> anyhow::Result<()> {
        debug_assert_eq!(fields.len(), self.columns, "{} has other columns", self.name);
        self.rows += 1;
        self.writer.write_record(fields).with_context(|| format!("cannot write to {}.csv", self.name))
    }

    /// Flushes the file and says how many rows it holds.
    pub(super) fn finish(mut self) -> anyhow::Result<TableCount> {
        self.writer.flush().with_context(|| format!("cannot finish {}.csv", self.name))?;
        Ok(TableCount { service: self.service, table: self.name, rows: self.rows })
    }
}

/// Writes `value` as JSON to `path`.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(open(path)?, value)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Makes `out/<service>`, without an earlier run's manifest: it is written last, so that its absence says "incomplete".
pub(super) fn prepare_folder(out: &Path, service: &str) -> anyhow::Result<PathBuf> {
    let folder = out.join(service);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let manifest = folder.join(MANIFEST);
    if manifest.exists() {
        fs::remove_file(&manifest).with_context(|| format!("cannot remove {}", manifest.display()))?;
    }
    Ok(manifest)
}

fn open(path: &Path) -> anyhow::Result<File> {
    let say = || format!("cannot create {}", path.display());
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(OWNER_ONLY)
        .open(path)
        .with_context(say)?;
    // The mode above applies to a new file only; an older file may have been readable by everyone.
    file.set_permissions(fs::Permissions::from_mode(OWNER_ONLY)).with_context(say)?;
    Ok(file)
}
