//! Settles how logs are shown: the last lines of each, then new ones as they come.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::cli;
use crate::context::Context;
use crate::supervisor::last_lines;
use crate::ui;

/// How often a followed log is looked at.
const POLL: Duration = Duration::from_millis(200);

/// Shows the logs of everything or of what a name means.
pub(crate) fn run(context: &Context, asked: &cli::Logs) -> Result<u8> {
    let all = names(context)?;
    let chosen: Vec<String> = all
        .iter()
        .filter(|name| asked.service.as_deref().is_none_or(|wanted| means(wanted, name)))
        .cloned()
        .collect();
    if chosen.is_empty() {
        match &asked.service {
            Some(wanted) if !all.is_empty() => {
                bail!("there is no log of `{wanted}`; there are: {}", all.join(", "))
            }
            _ => bail!("there are no logs yet; start the backend with `cargo ent up`"),
        }
    }
    let width = if chosen.len() > 1 { chosen.iter().map(String::len).max().unwrap_or(0) } else { 0 };
    let mut followed = Vec::new();
    for name in chosen {
        let path = context.layout.log(&name);
        let position = std::fs::metadata(&path).map_or(0, |file| file.len());
        for line in last_lines(&path, asked.lines) {
            print(&name, width, &line)?;
        }
        followed.push(Followed { name, path, position, rest: Vec::new() });
    }
    while asked.follow && context.signals.count() == 0 {
        for log in &mut followed {
            for line in log.new_lines() {
                print(&log.name, width, &line)?;
            }
        }
        std::thread::sleep(POLL);
    }
    Ok(0)
}

/// With several logs each line says whose it is.
fn print(name: &str, width: usize, line: &str) -> Result<()> {
    Ok(if width == 0 { ui::out(line) } else { ui::out(&format!("{name:<width$} | {line}")) }?)
}

fn names(context: &Context) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(context.layout.path("logs"))?.flatten();
    let files = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> =
        files.filter_map(|file| Some(file.strip_suffix(".log")?.to_owned())).collect();
    names.sort();
    Ok(names)
}

/// `auth` means `auth-1` and `auth-2`, `redis` means all nodes.
fn means(wanted: &str, name: &str) -> bool {
    name == wanted || name.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('-'))
}

struct Followed {
    name: String,
    path: PathBuf,
    position: u64,
    rest: Vec<u8>,
}

impl Followed {
    /// Whole lines written since the last look; a log that became shorter is read from its beginning.
    fn new_lines(&mut self) -> Vec<String> {
        let Ok(mut file) = File::open(&self.path) else { return Vec::new() };
        let length = file.metadata().map_or(0, |data| data.len());
        if length < self.position {
            self.position = 0;
            self.rest.clear();
        }
        if file.seek(SeekFrom::Start(self.position)).is_err() {
            return Vec::new();
        }
        self.position += file.take(length - self.position).read_to_end(&mut self.rest).unwrap_or(0) as u64;
        let end = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let whole: Vec<u8> = self.rest.drain(..end).collect();
        String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_means_its_instances() {
        assert!(means("auth", "auth-2"));
        assert!(means("redis-17001", "redis-17001"));
        assert!(!means("auth", "authority"));
    }

    #[test]
    fn a_line_is_shown_when_it_is_whole() {
        let path = std::env::temp_dir().join(format!("ent-logs-{}.log", std::process::id()));
        std::fs::write(&path, "old\n").unwrap();
        let mut log = Followed { name: "x".into(), path: path.clone(), position: 4, rest: Vec::new() };
        std::fs::write(&path, "old\nhalf").unwrap();
        assert!(log.new_lines().is_empty());
        std::fs::write(&path, "old\nhalf and half\n").unwrap();
        assert_eq!(log.new_lines(), ["half and half"]);
        std::fs::write(&path, "new\n").unwrap();
        assert_eq!(log.new_lines(), ["new"]);
        std::fs::remove_file(&path).unwrap();
    }
}
