//! Settles how revocations are written and read: each takes the next numbers of one counter, whose row stays locked until its commit.
//!
//! Acts that lock accounts as well lock them first and the counter last, so that none waits for another in a circle.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Reader, Row, Transaction};
use shared::session::{News, Revocation, Role, Scope};
use uuid::Uuid;

/// Most revocations in one entry of the news, and on one page.
pub const PAGE_LIMIT: i64 = 1_000;

/// How many were revoked, and the epoch of the last of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raised {
    /// How many there were; fewer than asked for where some have no account.
    pub count: i64,
    /// The counter now.
    pub epoch: i64,
}

/// Revokes all sessions of accounts: one statement, however many they are.
pub async fn insert_accounts(
    transaction: &mut Transaction,
    person_ids: &[Uuid],
    at: DateTime<Utc>,
) -> Result<Raised, Error> {
    let sql = "with locked as (select person_id from account where person_id = any($1) order by person_id for update),
                    chosen as (select person_id, row_number() over (order by person_id) as n from locked),
                    counted as (select count(*) as total from chosen),
                    counter as (update revocation_epoch set last = last + total from counted
                                returning last - total as before, last, total),
                    raised as (update account set epoch = before + n from chosen, counter
                               where account.person_id = chosen.person_id
                               returning account.person_id, account.epoch),
                    written as (insert into revocation (epoch, person_id, revoked_at)
                                select epoch, person_id, $2 from raised)
               select total, last from counter";
    let row = transaction.query_one(sql, &[&person_ids, &at]).await?;
    Ok(Raised { count: row.get(0), epoch: row.get(1) })
}

/// Revokes anything else.
pub async fn insert(transaction: &mut Transaction, scope: Scope, at: DateTime<Utc>) -> Result<Raised, Error> {
    let sql = "with counter as (update revocation_epoch set last = last + 1 returning last)
               insert into revocation (epoch, sid, school_id, person_id, role, revoked_at)
               select last, $1, $2, $3, $4, $5 from counter returning epoch";
    let Columns { sid, school_id, person_id, role } = Columns::of(scope);
    let row = transaction.query_one(sql, &[&sid, &school_id, &person_id, &role.map(Role::name), &at]).await?;
    Ok(Raised { count: 1, epoch: row.get(0) })
}

/// What was revoked after an epoch (`None`: nothing, but where the counter is), one page. Older than `since`: left out,
/// since no token can be as old.
pub async fn news(reader: &mut Reader, after: Option<i64>, since: DateTime<Utc>) -> Result<News, Error> {
    // Read first: what is committed meanwhile is on the page, or announced by the next one.
    let last = reader.query_one("select last from revocation_epoch", &[]).await?;
    let published: i64 = last.get(0);
    let after = after.unwrap_or(published);
    let sql = "select epoch, sid, school_id, person_id, role from revocation
               where epoch > $1 and revoked_at > $2 order by epoch limit $3";
    let rows = reader.query(sql, &[&after, &since, &PAGE_LIMIT]).await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|length| length >= PAGE_LIMIT);
    let last = rows.last().map_or(after, |row| row.get(0));
    let upto = if is_full { last } else { last.max(published) };
    let published = published.max(upto);
    Ok(News { after, upto, published, revocations: rows.iter().filter_map(revocation).collect() })
}

/// Deletes what is older than any session can be. Returns how many.
pub async fn delete_before(transaction: &mut Transaction, at: DateTime<Utc>) -> Result<u64, Error> {
    transaction.execute("delete from revocation where revoked_at < $1", &[&at]).await
}

/// The columns that a scope fills.
#[derive(Default)]
struct Columns {
    sid: Option<Uuid>,
    school_id: Option<Uuid>,
    person_id: Option<Uuid>,
    role: Option<Role>,
}

impl Columns {
    fn of(scope: Scope) -> Self {
        let none = Self::default();
        match scope {
            Scope::Session { sid } => Self { sid: Some(sid), ..none },
            Scope::Account { person } => Self { person_id: Some(person), ..none },
            Scope::Membership { school, person, role } => {
                Self { school_id: Some(school), person_id: Some(person), role: Some(role), ..none }
            }
            Scope::Role { school, role } => Self { school_id: Some(school), role: Some(role), ..none },
            Scope::School { school } => Self { school_id: Some(school), ..none },
        }
    }

    fn scope(&self) -> Option<Scope> {
        Some(match (self.sid, self.school_id, self.person_id, self.role) {
            (Some(sid), ..) => Scope::Session { sid },
            (None, None, Some(person), _) => Scope::Account { person },
            (None, Some(school), Some(person), Some(role)) => Scope::Membership { school, person, role },
            (None, Some(school), None, Some(role)) => Scope::Role { school, role },
            (None, Some(school), None, None) => Scope::School { school },
            (None, ..) => return None,
        })
    }
}

fn revocation(row: &Row) -> Option<Revocation> {
    let role: Option<&str> = row.get(4);
    let columns = Columns {
        sid: row.get(1),
        school_id: row.get(2),
        person_id: row.get(3),
        role: role.and_then(Role::parse),
    };
    Some(Revocation { scope: columns.scope()?, epoch: row.get(0) })
}

#[cfg(test)]
mod tests;
