//! Settles how versions of cached answers are raised and read: a number per tag, in the table `cache_version` of each service that caches.

use crate::pg::{Error, Reader, Transaction};

/// Raises the version of each tag, in the transaction of the change. Returns (tag, version), to be told after its commit.
pub async fn raise(transaction: &mut Transaction, tags: &[String]) -> Result<Vec<(String, i64)>, Error> {
    let sql = "insert into cache_version (tag, version) select t, 1 from unnest($1::text[]) t order by t
               on conflict (tag) do update set version = cache_version.version + 1 returning tag, version";
    let rows = transaction.query(sql, &[&tags]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The version of a tag; 0 when nothing of it ever changed. Read it before the data that it stands for.
pub async fn version_of(reader: &mut Reader, tag: &str) -> Result<i64, Error> {
    let row = reader.query_opt("select version from cache_version where tag = $1", &[&tag]).await?;
    Ok(row.map_or(0, |row| row.get(0)))
}
