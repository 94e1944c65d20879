//! Settles how logs are read from their end and kept from growing without bound.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes of a log that are looked at for its last lines.
const WINDOW: u64 = 1 << 20;
/// Size at which a log begins anew; one older part is kept beside it as `NAME.log.1`.
const LARGEST: u64 = 64 << 20;

/// The last lines of a log; fewer when it has fewer, none when it is not there.
pub(crate) fn last_lines(path: &Path, count: usize) -> Vec<String> {
    let text = read_end(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.len().saturating_sub(count);
    lines.into_iter().skip(first).map(str::to_owned).collect()
}

fn read_end(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(WINDOW)))?;
    let mut bytes = Vec::new();
    file.take(WINDOW).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Begins a log anew once it is too large. Its process appends, so it goes on at the new beginning; lines that it writes
/// between the copy and the cut are lost, which a demonstration can bear.
pub(crate) fn shorten_log(path: &Path) {
    let is_large = std::fs::metadata(path).is_ok_and(|file| file.len() > LARGEST);
    let older = path.with_extension("log.1");
    if is_large && std::fs::copy(path, older).is_ok() {
        drop(File::options().write(true).open(path).and_then(|file| file.set_len(0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_come_in_order() {
        let path = std::env::temp_dir().join(format!("ent-tail-{}.log", std::process::id()));
        std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
        assert_eq!(last_lines(&path, 2), ["two", "three"]);
        assert_eq!(last_lines(&path, 9).len(), 3);
        std::fs::remove_file(&path).unwrap();
        assert!(last_lines(&path, 2).is_empty());
    }
}
