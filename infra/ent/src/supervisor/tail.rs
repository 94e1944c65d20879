//! Settles how logs are read from their end and kept from growing without bound.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// Bytes of a log that are looked at for its last lines.
const WINDOW: u64 = 1 << 20;
/// Size at which a log begins anew; one older part is kept beside it as `NAME.log.1`.
///
/// Copies are written to the disk that the database waits for: small ones often, rather than a large one now and then.
const LARGEST: u64 = 16 << 20;

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

/// Begins a log anew once it is too large; `writer` is what its process was given to write to. Lines that it writes between the copy
/// and the cut are lost, which a demonstration can bear.
pub(crate) fn shorten_log(path: &Path, writer: &File) {
    // HAProxy sets the flags of its output anew and would go on at its old place, behind a hole as large as all that was cut.
    let _ = fcntl_getfl(writer).and_then(|flags| fcntl_setfl(writer, flags | OFlags::APPEND));
    let is_large = std::fs::metadata(path).is_ok_and(|file| file.len() > LARGEST);
    let older = path.with_extension("log.1");
    if is_large && std::fs::copy(path, older).is_ok() {
        drop(File::options().write(true).open(path).and_then(|file| file.set_len(0)));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_log_begins_anew_for_a_program_too_that_does_not_append() {
        let path = std::env::temp_dir().join(format!("ent-shorten-{}.log", std::process::id()));
        let mut writer = File::create(&path).unwrap();
        writer.set_len(LARGEST + 1).unwrap();
        writer.seek(SeekFrom::End(0)).unwrap();
        shorten_log(&path, &writer);
        writer.write_all(b"after").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"after");
        let older = path.with_extension("log.1");
        assert_eq!(std::fs::metadata(&older).unwrap().len(), LARGEST + 1);
        for file in [path, older] {
            std::fs::remove_file(file).unwrap();
        }
    }

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
