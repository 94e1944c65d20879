//! Settles which volumes the first container fills, and to which user of which container they belong.

use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

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

    /// Makes a folder in it. What its container has put there instead is not followed to another's.
    pub(super) fn make_folder(&self, relative: &str) -> Result<()> {
        let folder = self.path.join(relative);
        ensure!(!folder.is_symlink(), "{} is a link, and links are not followed here", folder.display());
        make_dir(&folder, 0o700)?;
        own(&self.path, self.user)
    }

    /// For a folder of the host, whose user is not known here: anybody may write, nobody removes what is another's.
    pub(super) fn open_to_all(&self) -> Result<()> {
        set_mode(&self.path, 0o1777)
    }
}

/// Gives everything below a path to a user: links too, and never what they lead to, which may be another container's.
pub(super) fn own(path: &Path, user: User) -> Result<()> {
    let User(id) = user;
    lchown(path, Some(id), Some(id))
        .with_context(|| format!("cannot give {} to user {id}", path.display()))?;
    if path.is_dir() && !path.is_symlink() {
        for entry in std::fs::read_dir(path)? {
            own(&entry?.path(), user)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::layout::remove_dir;

    #[test]
    fn a_link_that_a_container_has_planted_is_not_followed() {
        let folder = std::env::temp_dir().join(format!("ent-volume-{}", std::process::id()));
        make_dir(&folder, 0o700).unwrap();
        let me = User(rustix::process::geteuid().as_raw());
        // Whoever followed it would not find anything there.
        symlink("/no/such/file", folder.join("link")).unwrap();
        own(&folder, me).unwrap();
        let volume = Volume { path: folder.clone(), user: me };
        assert!(volume.make_folder("link").unwrap_err().to_string().contains("is a link"));
        volume.make_folder("audit").unwrap();
        remove_dir(&folder).unwrap();
    }
}
