//! Settles what a containment writes: once per command, whoever asks at the same time.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Row, Transaction};
use uuid::Uuid;

/// What became of a command that was given before.
pub struct Before {
    /// Whom it named.
    pub person_id: Uuid,
    /// The epoch of its revocation.
    pub epoch: Option<i64>,
}

/// Takes the key of a command; a twin at the same time waits here. What was done before, if it was.
pub async fn begin(
    transaction: &mut Transaction,
    (caller, key): (&str, &str),
    person_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Before>, Error> {
    let sql = "insert into containment (caller, key, person_id, contained_at) values ($1, $2, $3, $4)
               on conflict (caller, key) do nothing";
    if transaction.execute(sql, &[&caller, &key, &person_id, &now]).await? == 1 {
        return Ok(None);
    }
    let sql = "select person_id, epoch from containment where caller = $1 and key = $2";
    let row: Row = transaction.query_one(sql, &[&caller, &key]).await?;
    Ok(Some(Before { person_id: row.get(0), epoch: row.get(1) }))
}

/// Notes what the command did.
pub async fn finish(
    transaction: &mut Transaction,
    (caller, key): (&str, &str),
    epoch: i64,
) -> Result<(), Error> {
    let sql = "update containment set epoch = $3 where caller = $1 and key = $2";
    transaction.execute(sql, &[&caller, &key, &epoch]).await?;
    Ok(())
}

/// Locks an account and forces a reset of its password. False when there is none.
pub async fn lock(transaction: &mut Transaction, person_id: Uuid, now: DateTime<Utc>) -> Result<bool, Error> {
    let sql = "update account set locked_at = coalesce(locked_at, $2), reset_forced_at = coalesce(reset_forced_at, $2)
               where person_id = $1";
    Ok(transaction.execute(sql, &[&person_id, &now]).await? == 1)
}

/// Makes codes that are out good for nothing: whoever took the account over may hold one.
pub async fn withdraw_codes(
    transaction: &mut Transaction,
    person_id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let sql = "update account_code set used_at = $2 where person_id = $1 and used_at is null";
    transaction.execute(sql, &[&person_id, &now]).await?;
    Ok(())
}
