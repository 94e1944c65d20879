//! Settles since when a key is published.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Transaction};

/// Notes that a key is published now, unless it was before. Returns since when it is.
pub async fn publish(
    transaction: &mut Transaction,
    kid: &str,
    at: DateTime<Utc>,
) -> Result<DateTime<Utc>, Error> {
    let sql = "insert into signing_key (kid, published_at) values ($1, $2)
               on conflict (kid) do update set published_at = signing_key.published_at returning published_at";
    Ok(transaction.query_one(sql, &[&kid, &at]).await?.get(0))
}
