//! Settles how a proof moves a service's calendar: a file says how far it is ahead, and an instance that finds it changed ends, to be started again by whoever keeps it running.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::clock::{SharedClock, clock_ahead};
use crate::config::Invalid;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// A file with one number: by how many seconds the calendar is ahead of the machine's. Where there is no file it is not.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "PathBuf")]
pub struct Calendar {
    file: PathBuf,
    /// As it was when the configuration was read.
    ahead_s: u32,
}

impl TryFrom<PathBuf> for Calendar {
    type Error = Invalid;

    fn try_from(file: PathBuf) -> Result<Self, Invalid> {
        Ok(Self { ahead_s: read(&file)?, file })
    }
}

impl Calendar {
    /// By how many seconds it is ahead.
    pub fn ahead_s(&self) -> u32 {
        self.ahead_s
    }

    /// The clock with this calendar.
    pub fn clock(&self) -> SharedClock {
        clock_ahead(self.ahead_s)
    }

    /// Returns when the file says something else, or nothing that can be read: then the next start says what is wrong.
    pub(super) async fn changed(&self) {
        while read(&self.file).is_ok_and(|ahead_s| ahead_s == self.ahead_s) {
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn read(file: &Path) -> Result<u32, Invalid> {
    let invalid = |what: String| Invalid::new(format!("clock_ahead_file: {}: {what}", file.display()));
    match std::fs::read_to_string(file) {
        Ok(text) => text.trim().parse().map_err(|_| invalid("holds no number of seconds".to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(invalid(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(text: &str) -> (tempfile::NamedTempFile, Result<Calendar, Invalid>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let calendar = file.path().to_owned().try_into();
        (file, calendar)
    }

    #[test]
    fn a_file_without_a_number_is_refused_and_no_file_means_today() {
        assert_eq!(calendar("86400\n").1.unwrap().ahead_s(), 86_400);
        assert!(calendar("tomorrow").1.unwrap_err().to_string().contains("clock_ahead_file"));
        assert_eq!(Calendar::try_from(PathBuf::from("/no/such/file")).unwrap().ahead_s(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn only_another_number_ends_the_instance() {
        let (file, calendar) = calendar("60");
        let calendar = calendar.unwrap();
        let unchanged = tokio::time::timeout(Duration::from_mins(1), calendar.changed()).await;
        assert!(unchanged.is_err(), "nothing has changed");
        std::fs::write(file.path(), "120").unwrap();
        calendar.changed().await;
    }
}
