//! Settles how a school's changes of how much anybody sends are kept.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Reader, Row, ToSql, Transaction};
use shared::session::Role;
use uuid::Uuid;

use crate::domain::budget::Limits;

/// What a school has changed, role by role.
pub async fn list(reader: &mut Reader, school: Uuid) -> Result<Vec<(Role, Limits)>, Error> {
    let sql = "select role, per_message, people_a_day, broad_an_hour, unproved_an_hour, messages_an_hour
               from send_limit where school_id = $1";
    let rows = reader.query(sql, &[&school]).await?;
    let limit = |row: &Row, column: usize| {
        row.get::<_, Option<i32>>(column).and_then(|limit| usize::try_from(limit).ok())
    };
    let limits = |row: &Row| {
        let role = Role::parse(row.get(0))?;
        let default = Limits::default_of(role);
        let limits = Limits {
            per_message: limit(row, 1).unwrap_or(default.per_message),
            people_a_day: limit(row, 2),
            broad_an_hour: limit(row, 3),
            unproved_an_hour: limit(row, 4).or(default.unproved_an_hour),
            messages_an_hour: limit(row, 5).unwrap_or(default.messages_an_hour),
        };
        Some((role, limits))
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
    let sql = "insert into send_limit (school_id, role, per_message, people_a_day, broad_an_hour, unproved_an_hour,
                                       messages_an_hour, changed_at)
               values ($1, $2, $3, $4, $5, $6, $7, $8)
               on conflict (school_id, role) do update
               set (per_message, people_a_day, broad_an_hour, unproved_an_hour, messages_an_hour, changed_at)
                 = (excluded.per_message, excluded.people_a_day, excluded.broad_an_hour, excluded.unproved_an_hour,
                    excluded.messages_an_hour, excluded.changed_at)";
    let whole = |limit: usize| i32::try_from(limit).unwrap_or(i32::MAX);
    let params: [&(dyn ToSql + Sync); 8] = [
        &school,
        &role.name(),
        &whole(limits.per_message),
        &limits.people_a_day.map(whole),
        &limits.broad_an_hour.map(whole),
        &limits.unproved_an_hour.map(whole),
        &whole(limits.messages_an_hour),
        &now,
    ];
    transaction.execute(sql, &params).await.map(|_| ())
}
