//! Settles which volumes the first container fills, and to which user of which container they belong.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::layout::{Layout, make_dir, set_mode};

/// Where the first container finds the volumes of the others.
const VOLUMES: &str = "/volumes";

/// A user of a container; groups have the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct User(u32);

/// The volume of another container.
pub(super) struct Volume {
    path: PathBuf,
    user: User,
}

impl Volume {
    /// Services, front door, `ent` and k6.
    pub(super) const OPERATOR: User = User(10_001);
    /// `postgres` of the image.
    pub(super) const POSTGRES: User = User(999);
    /// `valkey` of the image.
    pub(super) const VALKEY: User = User(999);
    /// `nobody`.
    pub(super) const NOBODY: User = User(65_534);

    /// The volume of this name, whose files belong to `user`.
    pub(super) fn of(name: &str, user: User) -> Self {
        Self { path: Path::new(VOLUMES).join(name), user }
    }

    /// Gives it a file of this installation, at the same place.
    pub(super) fn copy(&self, layout: &Layout, file: &Path) -> Result<()> {
        let relative = file.strip_prefix(&layout.data)?;
        let target = self.path.join(relative);
        let folder = target.parent().unwrap_or(&self.path);
        make_dir(folder, 0o700)?;
        // Beside and renamed: a container that reads meanwhile sees the old file or the new one.
        let beside = target.with_extension("new");
        std::fs::copy(file, &beside).with_context(|| format!("cannot copy {}", file.display()))?;
        set_mode(&beside, 0o400)?;
        std::fs::rename(&beside, &target)?;
        own(&self.path, self.user)
    }

    /// Makes a folder in it.
    pub(super) fn make_folder(&self, relative: &str) -> Result<()> {
        make_dir(&self.path.join(relative), 0o700)?;
        own(&self.path, self.user)
    }

    /// For a folder of the host, whose user is not known here: anybody may write, nobody removes what is another's.
    pub(super) fn open_to_all(&self) -> Result<()> {
        set_mode(&self.path, 0o1777)
    }
}

/// Gives everything below a path to a user.
pub(super) fn own(path: &Path, user: User) -> Result<()> {
    let User(id) = user;
    chown(path, Some(id), Some(id))
        .with_context(|| format!("cannot give {} to user {id}", path.display()))?;
    if path.is_dir() && !path.is_symlink() {
        for entry in std::fs::read_dir(path)? {
            own(&entry?.path(), user)?;
        }
    }
    Ok(())
}
