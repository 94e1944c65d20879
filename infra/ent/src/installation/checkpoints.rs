//! Settles where the checkpoints of the services' audit logs lie, and that they begin anew with the database they are about.

use std::path::PathBuf;

use anyhow::Result;

use crate::layout::{Layout, make_dir, remove_dir};

/// The folder of one service's checkpoints. In earnest it is another volume under another user.
pub(crate) fn folder(layout: &Layout, service: &str) -> PathBuf {
    layout.path("audit").join(service)
}

/// Makes the folders. Before PostgreSQL is started: where its data are gone, so are the logs, and a new log never continues
/// the checkpoints of an old one, which is what manipulation looks like.
pub(crate) fn ensure(layout: &Layout, services: &[&str]) -> Result<()> {
    if !layout.path("postgres/PG_VERSION").is_file() {
        remove_dir(&layout.path("audit"))?;
    }
    services.iter().try_for_each(|service| make_dir(&folder(layout, service), 0o700))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn checkpoints_stay_with_their_database_and_go_with_it() {
        let data = std::env::temp_dir().join(format!("ent-checkpoints-{}", std::process::id()));
        let layout = Layout { root: Path::new("/").to_owned(), data: data.clone() };
        let checkpoint = folder(&layout, "auth").join("1.checkpoint");
        make_dir(&data.join("postgres"), 0o700).unwrap();
        std::fs::write(data.join("postgres/PG_VERSION"), "15").unwrap();
        ensure(&layout, &["auth"]).unwrap();
        std::fs::write(&checkpoint, "signed").unwrap();
        ensure(&layout, &["auth"]).unwrap();
        assert!(checkpoint.is_file());
        remove_dir(&data.join("postgres")).unwrap();
        ensure(&layout, &["auth"]).unwrap();
        assert!(!checkpoint.exists() && folder(&layout, "auth").is_dir());
        remove_dir(&data).unwrap();
    }
}
