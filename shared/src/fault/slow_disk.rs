//! Settles how PostgreSQL's disk is made slow: by a small C library that is preloaded and reads the delays from a file.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

/// By how many milliseconds a disk is late, at most 60,000 each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskDelays {
    /// Each fsync and fdatasync; a commit waits for one.
    pub sync_ms: u32,
    /// Each read of a page that is not in the shared buffers.
    pub read_ms: u32,
}

/// The library and the file it reads, in a folder that the server's user may pass through.
#[derive(Clone, Debug)]
pub struct SlowDisk {
    folder: PathBuf,
}

impl SlowDisk {
    /// In `folder`, which has to be there when it is compiled.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// What compiles the library from `infra/faults/slow_disk.c`. A server that runs keeps the library it has loaded:
    /// [`SlowDisk::put_in_place`] replaces the file, not its bytes.
    pub fn compiler(&self, source: &Path) -> Command {
        let mut command = Command::new("cc");
        command.args(["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]);
        command.arg(self.compiled()).arg(source).arg("-ldl");
        command
    }

    /// After the compiler: a disk that is fast, for the next server that starts.
    pub fn put_in_place(&self) -> io::Result<()> {
        self.set(DiskDelays::default())?;
        fs::set_permissions(self.compiled(), Permissions::from_mode(0o755))?;
        fs::rename(self.compiled(), self.library())
    }

    /// Makes the disk this slow; noticed by the next sync or read, after 50 ms at most.
    pub fn set(&self, delays: DiskDelays) -> io::Result<()> {
        let new = self.folder.join("delays_ms.new");
        fs::write(&new, format!("{} {}\n", delays.sync_ms, delays.read_ms))?;
        fs::set_permissions(&new, Permissions::from_mode(0o644))?;
        fs::rename(new, self.folder.join("delays_ms"))
    }

    /// What the environment of a server on this disk has beyond ours.
    pub fn environment(&self) -> Vec<(String, OsString)> {
        vec![
            ("LD_PRELOAD".to_owned(), self.library().into_os_string()),
            ("ENT_SLOW_DISK".to_owned(), self.folder.join("delays_ms").into_os_string()),
        ]
    }

    /// Whether it was put in place.
    pub fn is_ready(&self) -> bool {
        self.library().is_file()
    }

    fn library(&self) -> PathBuf {
        self.folder.join("slow_disk.so")
    }

    fn compiled(&self) -> PathBuf {
        self.folder.join("slow_disk.new")
    }
}
