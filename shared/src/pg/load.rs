//! Settles how a whole table is loaded: one COPY from a CSV file whose header names the columns.

use std::path::PathBuf;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use super::{Error, Transaction};

/// How much of a file is in memory at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// A CSV file and the table it is for.
pub struct CsvTable {
    /// Table of the service's schema.
    pub table: &'static str,
    /// The file: UTF-8, first line the column names, empty unquoted fields are NULL.
    pub file: PathBuf,
}

/// Why a file was not loaded; nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read {}: {}", .0.display(), .1)]
    File(PathBuf, std::io::Error),
    /// The first line is not a list of column names.
    #[error("{}: the first line must name the columns, got {:?}", .0.display(), .1)]
    Header(PathBuf, String),
    /// The database refused a row, or is away.
    #[error("{}: {}", .0.display(), .1)]
    Database(PathBuf, Error),
}

/// Appends the file's rows to the table, inside `transaction`. Returns the number of rows.
pub async fn copy_csv(transaction: &mut Transaction, source: &CsvTable) -> Result<u64, LoadError> {
    let unreadable = |error| LoadError::File(source.file.clone(), error);
    let refused = |error: Error| LoadError::Database(source.file.clone(), error);
    let file = tokio::fs::File::open(&source.file).await.map_err(unreadable)?;
    let mut reader = BufReader::with_capacity(CHUNK_BYTES, file);
    let mut header = String::new();
    reader.read_line(&mut header).await.map_err(unreadable)?;
    let columns = columns(&header).ok_or_else(|| LoadError::Header(source.file.clone(), header.clone()))?;

    // A statement of its own opens the transaction, so that COPY runs inside it.
    transaction.execute("select 1", &[]).await.map_err(refused)?;
    let copy = format!("copy {} ({columns}) from stdin (format csv)", source.table);
    let client = transaction.client().map_err(refused)?;
    let sink = client.copy_in::<_, Bytes>(&copy).await.map_err(|error| refused(error.into()))?;
    let mut sink = std::pin::pin!(sink);
    loop {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        let read =
            (&mut reader).take(CHUNK_BYTES as u64).read_to_end(&mut chunk).await.map_err(unreadable)?;
        if read == 0 {
            return sink.finish().await.map_err(|error| refused(error.into()));
        }
        sink.send(chunk.into()).await.map_err(|error| refused(error.into()))?;
    }
}

/// The header as a column list, if it is nothing but names: it becomes part of a statement.
fn columns(header: &str) -> Option<String> {
    let names: Vec<&str> = header.trim_end().split(',').collect();
    let is_name = |name: &&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    names.iter().all(is_name).then(|| names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn a_header_is_names_and_nothing_else() {
        assert_eq!(columns("id,given_name\n").as_deref(), Some("id, given_name"));
        for bad in ["", "id,", "id;drop table person", "\"id\"", "id) from stdin; --"] {
            assert_eq!(columns(bad), None, "{bad:?}");
        }
    }
}
