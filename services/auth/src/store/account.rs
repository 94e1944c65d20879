//! Settles how accounts are read and what a sign-in writes to them.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Reader, Row, Transaction};
use shared::session::{Membership, Role};
use uuid::Uuid;

/// An account with what a sign-in needs of it.
pub struct Account {
    /// The person.
    pub person_id: Uuid,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// PHC string; none before the account has been activated.
    pub password_hash: Option<String>,
    /// Secret of the authenticator as it is kept, if the account has one.
    pub totp_secret: Option<String>,
    /// Every revocation up to this epoch was there when this was read.
    pub epoch: i64,
    /// Whether it came with a demo data set.
    pub is_demo: bool,
    /// Whether it may not sign in: blocked, or locked by a containment.
    pub is_blocked: bool,
    /// Whether its password opens nothing until another is set.
    pub is_reset_forced: bool,
    /// When its password was set with a printed code, if it was.
    pub code_password_at: Option<DateTime<Utc>>,
    /// The person's roles.
    pub memberships: Vec<Membership>,
}

/// What a refresh needs of an account.
pub struct Current {
    /// Sessions opened before this epoch are over.
    pub revoked: i64,
    /// Whether it may not sign in.
    pub is_blocked: bool,
    /// The person's roles.
    pub memberships: Vec<Membership>,
}

/// Two parallel arrays and the counter of the same moment: one row per account however many roles it has.
pub(super) const MEMBERSHIPS: &str =
    "array(select school_id from membership m where m.person_id = a.person_id order by school_id, role),
        array(select role from membership m where m.person_id = a.person_id order by school_id, role),
        (select last from revocation_epoch)";

/// The account of a login; logins are stored in lower case.
pub async fn find_by_login(reader: &mut Reader, login: &str) -> Result<Option<Account>, Error> {
    let sql = format!(
        "select {MEMBERSHIPS}, a.person_id, p.given_name, p.family_name, a.password_hash, a.totp_secret,
                a.is_demo, a.blocked_at is not null or a.locked_at is not null, a.reset_forced_at is not null,
                a.code_password_at
         from account a join person p on p.id = a.person_id where a.login = $1"
    );
    Ok(reader.query_opt(&sql, &[&login]).await?.map(|row| Account {
        memberships: memberships(&row),
        person_id: row.get(3),
        given_name: row.get(4),
        family_name: row.get(5),
        password_hash: row.get(6),
        totp_secret: row.get(7),
        epoch: row.get(2),
        is_demo: row.get(8),
        is_blocked: row.get(9),
        is_reset_forced: row.get(10),
        code_password_at: row.get(11),
    }))
}

/// What the account of a session is now.
pub async fn find_current(reader: &mut Reader, person_id: Uuid, sid: Uuid) -> Result<Option<Current>, Error> {
    let sql = format!(
        "select {MEMBERSHIPS}, a.blocked_at is not null or a.locked_at is not null,
                greatest(a.epoch,
                    (select max(r.epoch) from revocation r where r.sid = $2),
                    (select max(r.epoch) from membership m join revocation r on r.school_id = m.school_id
                     where m.person_id = a.person_id and r.person_id is null and (r.role is null or r.role = m.role)))
         from account a where a.person_id = $1"
    );
    Ok(reader.query_opt(&sql, &[&person_id, &sid]).await?.map(|row| Current {
        memberships: memberships(&row),
        is_blocked: row.get(3),
        revoked: row.get(4),
    }))
}

/// Replaces a hash by one of the same password, unless another password was set meanwhile.
pub async fn renew_hash(
    transaction: &mut Transaction,
    person_id: Uuid,
    old_hash: &str,
    hash: &str,
) -> Result<(), Error> {
    let sql = "update account set password_hash = $3 where person_id = $1 and password_hash = $2";
    transaction.execute(sql, &[&person_id, &old_hash, &hash]).await?;
    Ok(())
}

/// Whether any account came with a demo data set.
pub async fn exists_demo(reader: &mut Reader) -> Result<bool, Error> {
    Ok(reader.query_one("select exists (select 1 from account where is_demo)", &[]).await?.get(0))
}

pub(super) fn memberships(row: &Row) -> Vec<Membership> {
    let (schools, roles, epoch): (Vec<Uuid>, Vec<String>, i64) = (row.get(0), row.get(1), row.get(2));
    let rows = schools.into_iter().zip(roles);
    // The schema admits only the roles that `Role` knows.
    rows.filter_map(|(school, role)| Some(Membership { school, role: Role::parse(&role)?, epoch })).collect()
}
