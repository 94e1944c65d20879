//! Settles how the codes of administrators are kept and used up, and what setting a password writes.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Reader, Transaction};
use shared::session::Membership;
use uuid::Uuid;

use super::account::{MEMBERSHIPS, memberships};

/// Whose password a code may set.
pub struct Redeemable {
    /// The person.
    pub person_id: Uuid,
    /// The person's roles.
    pub memberships: Vec<Membership>,
}

/// Keeps a code. Those before it for the same purpose are good no more.
pub async fn insert(
    transaction: &mut Transaction,
    (code_hash, purpose): (&str, &str),
    person_id: Uuid,
    (now, expires_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), Error> {
    let sql = "with older as (update account_code set used_at = $4 where person_id = $2 and purpose = $3 and used_at is null)
               insert into account_code (code_hash, person_id, purpose, created_at, expires_at) values ($1, $2, $3, $4, $5)";
    transaction.execute(sql, &[&code_hash, &person_id, &purpose, &now, &expires_at]).await?;
    Ok(())
}

/// Whose code this is, while it is good and the account is not blocked.
pub async fn find(
    reader: &mut Reader,
    (code_hash, purpose): (&str, &str),
    login: &str,
    now: DateTime<Utc>,
) -> Result<Option<Redeemable>, Error> {
    let sql = format!(
        "select {MEMBERSHIPS}, a.person_id from account_code c join account a using (person_id)
         where c.code_hash = $1 and c.purpose = $2 and a.login = $3 and c.used_at is null and c.expires_at > $4
           and a.blocked_at is null"
    );
    let row = reader.query_opt(&sql, &[&code_hash, &purpose, &login, &now]).await?;
    Ok(row.map(|row| Redeemable { memberships: memberships(&row), person_id: row.get(3) }))
}

/// Uses a code up. False when somebody else has, or its time is over.
pub async fn redeem(
    transaction: &mut Transaction,
    code_hash: &str,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let sql =
        "update account_code set used_at = $2 where code_hash = $1 and used_at is null and expires_at > $2";
    Ok(transaction.execute(sql, &[&code_hash, &now]).await? == 1)
}

/// Sets a password, which ends a forced reset; `unlocks` where it is by a printed code, with which an administrator has
/// vouched for the person.
pub async fn set_password(
    transaction: &mut Transaction,
    person_id: Uuid,
    password_hash: &str,
    unlocks: bool,
) -> Result<(), Error> {
    let sql = "update account set password_hash = $2, reset_forced_at = null,
                      locked_at = case when $3 then null else locked_at end,
                      code_password_at = case when $3 then $4 else code_password_at end
               where person_id = $1";
    let now = transaction.context().clock().utc();
    transaction.execute(sql, &[&person_id, &password_hash, &unlocks, &now]).await?;
    Ok(())
}
