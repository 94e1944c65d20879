//! Settles how a school's changes of how much anybody sends are kept.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Reader, Row, Transaction};
use shared::session::Role;
use uuid::Uuid;

use crate::domain::budget::Limits;

/// What a school has changed, role by role.
pub async fn list(reader: &mut Reader, school: Uuid) -> Result<Vec<(Role, Limits)>, Error> {
    let sql = "select role, per_message, people_a_day, broad_an_hour from send_limit where school_id = $1";
    let rows = reader.query(sql, &[&school]).await?;
    let limit = |row: &Row, column: usize| {
        row.get::<_, Option<i32>>(column).and_then(|limit| usize::try_from(limit).ok())
    };
    let limits = |row: &Row| {
        let role = Role::parse(row.get(0))?;
        let per_message = limit(row, 1).unwrap_or(Limits::default_of(role).per_message);
        Some((role, Limits { per_message, people_a_day: limit(row, 2), broad_an_hour: limit(row, 3) }))
    };
    Ok(rows.iter().filter_map(limits).collect())
}

/// Keeps the limits of a role in a school.
pub async fn update(
    transaction: &mut Transaction,
    school: Uuid,
    (role, limits): (Role, Limits),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let sql = "insert into send_limit (school_id, role, per_message, people_a_day, broad_an_hour, changed_at)
               values ($1, $2, $3, $4, $5, $6)
               on conflict (school_id, role) do update
               set (per_message, people_a_day, broad_an_hour, changed_at)
                 = (excluded.per_message, excluded.people_a_day, excluded.broad_an_hour, excluded.changed_at)";
    let whole = |limit: usize| i32::try_from(limit).unwrap_or(i32::MAX);
    let (people, broad) = (limits.people_a_day.map(whole), limits.broad_an_hour.map(whole));
    let per_message = whole(limits.per_message);
    transaction.execute(sql, &[&school, &role.name(), &per_message, &people, &broad, &now]).await.map(|_| ())
}
