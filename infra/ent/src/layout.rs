//! Settles where everything of one installation lies under `.ent/`.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The paths of one installation.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// The workspace: where the root `Cargo.toml` is.
    pub(crate) root: PathBuf,
    /// `.ent` of the workspace, or another folder of a proof that needs data of its own.
    pub(crate) data: PathBuf,
}

/// Names the folder of an installation beside the usual one, for what a proof starts. Without the prefix of what is configuration
/// to services.
pub(crate) const DATA: &str = "CARGO_ENT_DATA";

impl Layout {
    /// Finds the workspace from the current folder upwards, else from where cargo says this package lies.
    pub(crate) fn find() -> Result<Self> {
        let here = std::env::current_dir().context("the current folder does not exist any more")?;
        let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let root = [Some(here), package].into_iter().flatten().find_map(|start| workspace_above(&start));
        let Some(root) = root else {
            bail!("this is not the ENT workspace; run `cargo ent` inside the checkout");
        };
        let data = std::env::var_os(DATA).map_or_else(|| root.join(".ent"), PathBuf::from);
        Ok(Self { root, data })
    }

    /// Where programs lie that are got once, whatever the data.
    pub(crate) fn tools(&self) -> PathBuf {
        self.root.join(".ent/tools")
    }

    /// Where proofs leave what they have found, whatever the data.
    pub(crate) fn reports(&self) -> PathBuf {
        self.root.join(".ent/reports")
    }

    /// Makes `.ent` and its private folders.
    pub(crate) fn prepare(&self) -> Result<()> {
        let me = rustix::process::geteuid().as_raw();
        if let Ok(found) = std::fs::metadata(&self.data)
            && found.uid() != me
        {
            let (path, owner) = (self.data.display(), found.uid());
            bail!("{path} belongs to user {owner} and this is user {me}; run `cargo ent` as that user");
        }
        self.make_folders()?;
        let reports = self.reports();
        std::fs::create_dir_all(&reports).with_context(|| format!("cannot make {}", reports.display()))
    }

    /// Makes them whoever they belong to.
    pub(crate) fn make_folders(&self) -> Result<()> {
        // Others may pass through `.ent` (PostgreSQL's user has to), but not list it.
        make_dir(&self.data, 0o711)?;
        for name in ["run", "logs", "secrets", "keys", "tls", "config", "cache", "seed", "tools", "calendar"]
        {
            make_dir(&self.path(name), 0o700)?;
        }
        Ok(())
    }

    /// A path below `.ent`.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.data.join(relative)
    }

    /// The log file of one process.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.path("logs").join(format!("{name}.log"))
    }
}

fn workspace_above(start: &Path) -> Option<PathBuf> {
    let is_workspace = |folder: &&Path| folder.join("infra/ent/Cargo.toml").is_file();
    start.ancestors().find(is_workspace).map(Path::to_path_buf)
}

/// Makes a folder with these permissions, or gives them to the one that is there.
pub(crate) fn make_dir(path: &Path, mode: u32) -> Result<()> {
    let result = DirBuilder::new().recursive(true).mode(mode).create(path);
    result.with_context(|| format!("cannot make the folder {}", path.display()))?;
    // The process's umask may have taken permissions away.
    set_mode(path, mode)
}

/// Sets the permissions of a path.
pub(crate) fn set_mode(path: &Path, mode: u32) -> Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .with_context(|| format!("cannot set the permissions of {}", path.display()))
}

/// Replaces a file as a whole: a reader, or a crash of the machine, sees the old content or the new one, never a part.
pub(crate) fn write_file(path: &Path, content: impl AsRef<[u8]>, mode: u32) -> Result<()> {
    replace(path, content.as_ref(), mode, File::sync_data)
}

/// The same for a file that no other boot will read: it does not wait for the disk.
pub(crate) fn write_passing_file(path: &Path, content: impl AsRef<[u8]>, mode: u32) -> Result<()> {
    replace(path, content.as_ref(), mode, |_| Ok(()))
}

fn replace(
    path: &Path,
    content: &[u8],
    mode: u32,
    settle: impl Fn(&File) -> std::io::Result<()>,
) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file =
            OpenOptions::new().create(true).write(true).truncate(true).mode(mode).open(&temporary)?;
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        file.write_all(content)?;
        settle(&file)?;
        std::fs::rename(&temporary, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Opens a log for appending, so that it may be shortened while its process writes.
pub(crate) fn open_log(path: &Path) -> Result<File> {
    let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    opened.with_context(|| format!("cannot open the log {}", path.display()))
}

/// Removes a folder and all in it; one that is not there is fine.
pub(crate) fn remove_dir(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_found_from_any_subfolder() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = workspace_above(&package.join("src/engines")).unwrap();
        assert_eq!(root.join("infra/ent"), package);
        assert_eq!(workspace_above(Path::new("/")), None);
    }

    #[test]
    fn a_file_is_replaced_with_its_permissions() {
        let folder = std::env::temp_dir().join(format!("ent-layout-{}", std::process::id()));
        make_dir(&folder, 0o700).unwrap();
        let path = folder.join("secret");
        write_file(&path, "one", 0o644).unwrap();
        write_file(&path, "two", 0o600).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        remove_dir(&folder).unwrap();
        remove_dir(&folder).unwrap();
    }
}
