//! Settles that there is one supervisor per installation, by a lock that the kernel releases when its holder dies.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::{Context as _, Result};

/// Held while this process supervises.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock; none when another process has it.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>> {
        let file = File::options().create(true).truncate(false).write(true).open(path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).context("cannot lock"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_holds_the_lock_and_dropping_frees_it() {
        let path = std::env::temp_dir().join(format!("ent-lock-{}", std::process::id()));
        let first = Lock::try_take(&path).unwrap();
        assert!(first.is_some());
        assert!(Lock::try_take(&path).unwrap().is_none());
        drop(first);
        assert!(Lock::try_take(&path).unwrap().is_some());
        std::fs::remove_file(&path).unwrap();
    }
}
