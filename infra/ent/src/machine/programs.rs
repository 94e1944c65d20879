//! Settles which engines are used, at least at which versions, and where they are looked for.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Version;

/// One program that the backend needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// What people call it.
    pub(crate) title: &'static str,
    /// Its names on disk; the first one found new enough is taken.
    pub(crate) names: &'static [&'static str],
    /// The oldest version that works.
    pub(crate) at_least: Version,
    /// The Debian and Ubuntu package.
    pub(crate) package: &'static str,
}

/// PostgreSQL.
pub(crate) const POSTGRES: Need =
    Need { title: "PostgreSQL", names: &["postgres"], at_least: Version::new(15, 0), package: "postgresql" };
/// Redis or Valkey.
pub(crate) const REDIS: Need = Need {
    title: "Redis or Valkey",
    names: &["redis-server", "valkey-server"],
    at_least: Version::new(7, 0),
    package: "redis-server",
};
/// HAProxy.
pub(crate) const HAPROXY: Need =
    Need { title: "HAProxy", names: &["haproxy"], at_least: Version::new(2, 6), package: "haproxy" };

/// A program found on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it says it is.
    pub(crate) version: Version,
}

/// The engines' programs.
#[derive(Clone, Debug)]
pub(crate) struct Engines {
    /// PostgreSQL installations new enough, newest first.
    pub(crate) postgres: Vec<Found>,
    /// `redis-server` or `valkey-server`.
    pub(crate) redis: Found,
    /// `haproxy`.
    pub(crate) haproxy: Found,
}

impl Need {
    /// Every installation of it, newest first, too old ones included.
    pub(crate) fn candidates(self) -> Vec<Found> {
        let mut paths: Vec<PathBuf> = self.names.iter().flat_map(|name| on_path(name)).collect();
        if self.package == POSTGRES.package {
            // Debian keeps PostgreSQL's programs off the PATH, one folder per major version; a link on the PATH is
            // followed to that folder, because `initdb` is beside the program, not beside the link.
            paths.extend(versioned_folders(Path::new("/usr/lib/postgresql")));
            paths = paths.iter().filter_map(|path| path.canonicalize().ok()).collect();
            paths.sort();
            paths.dedup();
        }
        let mut found: Vec<Found> = paths.into_iter().filter_map(identify).collect();
        found.sort_by_key(|found| std::cmp::Reverse(found.version));
        found
    }

    /// The installations that are new enough, newest first.
    pub(crate) fn usable(self) -> Vec<Found> {
        self.candidates().into_iter().filter(|found| found.version >= self.at_least).collect()
    }
}

impl Engines {
    /// All three, or those that are missing or too old.
    pub(crate) fn find() -> Result<Self, Vec<Need>> {
        let postgres = POSTGRES.usable();
        let redis = REDIS.usable().into_iter().next();
        let haproxy = HAPROXY.usable().into_iter().next();
        match (postgres.is_empty(), redis, haproxy) {
            (false, Some(redis), Some(haproxy)) => Ok(Self { postgres, redis, haproxy }),
            (is_missing, redis, haproxy) => Err([
                is_missing.then_some(POSTGRES),
                redis.is_none().then_some(REDIS),
                haproxy.is_none().then_some(HAPROXY),
            ]
            .into_iter()
            .flatten()
            .collect()),
        }
    }
}

/// The first program of this name on the PATH, or in the folders for administrators that a user's PATH lacks.
pub(crate) fn find_on_path(name: &str) -> Option<PathBuf> {
    on_path(name).into_iter().next()
}

fn on_path(name: &str) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let administrators = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let folders = std::env::split_paths(&path).chain(administrators);
    folders.map(|folder| folder.join(name)).filter(|candidate| candidate.is_file()).collect()
}

fn versioned_folders(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let programs = entries.map(|entry| entry.path().join("bin/postgres"));
    programs.filter(|program| program.is_file()).collect()
}

fn identify(path: PathBuf) -> Option<Found> {
    // HAProxy knows only `-v`; the others understand both.
    let flag = if path.ends_with("haproxy") { "-v" } else { "--version" };
    let output = Command::new(&path).arg(flag).stdin(Stdio::null()).output().ok()?;
    let version = Version::parse(&String::from_utf8_lossy(&output.stdout))?;
    Some(Found { path, version })
}
