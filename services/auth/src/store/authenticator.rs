//! Settles what is written of authenticators: one offered, one that counts, codes used once, and ten to recover with.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Reader, Transaction};
use uuid::Uuid;

/// What an enrolment needs of an account.
pub struct Found {
    /// As it is typed.
    pub login: String,
    /// Whether one counts already.
    pub has_authenticator: bool,
}

/// What a person may know of their own second factors.
pub struct Own {
    /// Whether an authenticator counts.
    pub has_authenticator: bool,
    /// Recovery codes that nobody has used.
    pub recovery_codes_left: i64,
}

/// The account of a person; its row stays locked.
pub async fn find(transaction: &mut Transaction, person_id: Uuid) -> Result<Option<Found>, Error> {
    let sql = "select login, totp_secret is not null from account
               where person_id = $1 and blocked_at is null and locked_at is null for update";
    let row = transaction.query_opt(sql, &[&person_id]).await?;
    Ok(row.map(|row| Found { login: row.get(0), has_authenticator: row.get(1) }))
}

/// What a person has.
pub async fn find_own(reader: &mut Reader, person_id: Uuid) -> Result<Option<Own>, Error> {
    let sql = "select totp_secret is not null,
                      (select count(*) from recovery_code c where c.person_id = a.person_id and c.used_at is null)
               from account a where a.person_id = $1";
    let row = reader.query_opt(sql, &[&person_id]).await?;
    Ok(row.map(|row| Own { has_authenticator: row.get(0), recovery_codes_left: row.get(1) }))
}

/// What is kept of a person's authenticator, if there is one and the account may be used.
pub async fn find_secret(reader: &mut Reader, person_id: Uuid) -> Result<Option<String>, Error> {
    let sql =
        "select totp_secret from account where person_id = $1 and blocked_at is null and locked_at is null";
    Ok(reader.query_opt(sql, &[&person_id]).await?.and_then(|row| row.get(0)))
}

/// Notes that the code of `step` has been used, and keeps the secret as `anew`. False when that code, or a later one, was
/// used before, or another authenticator has taken the place of `kept`.
pub async fn use_step(
    transaction: &mut Transaction,
    person_id: Uuid,
    step: i64,
    (kept, anew): (&str, &str),
) -> Result<bool, Error> {
    // A sign-in must not wait for the disk: losing the last moments of this in a crash costs one replay within a minute.
    transaction.execute("set local synchronous_commit = off", &[]).await?;
    let sql = "update account set totp_last_step = $2, totp_secret = $4
               where person_id = $1 and totp_secret = $3 and (totp_last_step is null or totp_last_step < $2)";
    Ok(transaction.execute(sql, &[&person_id, &step, &kept, &anew]).await? == 1)
}

/// Keeps a secret until it is confirmed, in place of one that was offered before.
pub async fn offer(
    transaction: &mut Transaction,
    person_id: Uuid,
    sealed: &str,
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    let sql = "insert into authenticator_enrolment (person_id, secret, expires_at) values ($1, $2, $3)
               on conflict (person_id) do update set secret = excluded.secret, expires_at = excluded.expires_at";
    transaction.execute(sql, &[&person_id, &sealed, &expires_at]).await?;
    Ok(())
}

/// Takes what was offered, if its time is not over.
pub async fn take_offer(
    transaction: &mut Transaction,
    person_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<String>, Error> {
    let sql = "delete from authenticator_enrolment where person_id = $1 and expires_at > $2 returning secret";
    Ok(transaction.query_opt(sql, &[&person_id, &now]).await?.map(|row| row.get(0)))
}

/// Lets an authenticator count. The code that confirmed it is used up.
pub async fn enrol(
    transaction: &mut Transaction,
    person_id: Uuid,
    sealed: &str,
    step: i64,
) -> Result<(), Error> {
    let sql = "update account set totp_secret = $2, totp_last_step = $3 where person_id = $1";
    transaction.execute(sql, &[&person_id, &sealed, &step]).await?;
    Ok(())
}

/// Keeps new recovery codes in place of all before.
pub async fn replace_recovery_codes(
    transaction: &mut Transaction,
    person_id: Uuid,
    hashes: &[String],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    withdraw_recovery_codes(transaction, person_id).await?;
    let sql =
        "insert into recovery_code (code_hash, person_id, created_at) select unnest($2::text[]), $1, $3";
    transaction.execute(sql, &[&person_id, &hashes, &now]).await?;
    Ok(())
}

/// Uses up a recovery code, stored under one of these names. How many are left; `None` when it is none or was used before.
pub async fn use_recovery_code(
    transaction: &mut Transaction,
    person_id: Uuid,
    hashes: &[String],
    now: DateTime<Utc>,
) -> Result<Option<i64>, Error> {
    let sql = "update recovery_code set used_at = $3
               where person_id = $1 and code_hash = any($2) and used_at is null";
    if transaction.execute(sql, &[&person_id, &hashes, &now]).await? == 0 {
        return Ok(None);
    }
    let sql = "select count(*) from recovery_code where person_id = $1 and used_at is null";
    Ok(Some(transaction.query_one(sql, &[&person_id]).await?.get(0)))
}

/// Makes recovery codes good for nothing.
pub async fn withdraw_recovery_codes(transaction: &mut Transaction, person_id: Uuid) -> Result<(), Error> {
    transaction.execute("delete from recovery_code where person_id = $1", &[&person_id]).await?;
    Ok(())
}

/// Makes what was offered good for nothing.
pub async fn withdraw_offer(transaction: &mut Transaction, person_id: Uuid) -> Result<(), Error> {
    transaction.execute("delete from authenticator_enrolment where person_id = $1", &[&person_id]).await?;
    Ok(())
}

/// Whether any secret is kept that was never encrypted.
pub async fn exists_plain(reader: &mut Reader) -> Result<bool, Error> {
    let sql = "select exists (select 1 from account where totp_secret not like 's1.%')";
    Ok(reader.query_one(sql, &[]).await?.get(0))
}
