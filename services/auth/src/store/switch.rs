//! Settles how switches are kept: opened, read while they are not over, ended early.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Reader, Row, Transaction};
use shared::session::Role;
use uuid::Uuid;

use crate::domain::switch::{Effect, MOST_OPEN, Switch};
use crate::domain::waiting_room::Weights;

const COLUMNS: &str = "id, kind, school_id, role, idle_s, weights, starts_at, ends_at, authority";

/// Opens a switch. False when there are [`MOST_OPEN`] in its school, or for all schools.
pub async fn insert(
    transaction: &mut Transaction,
    switch: &Switch,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    // One at a time, so that the count is right.
    transaction.execute("select pg_advisory_xact_lock(hashtext('switch'))", &[]).await?;
    let sql = format!(
        "insert into switch ({COLUMNS}) select $1, $2, $3, $4, $5, $6, $7, $8, $9
         where (select count(*) from switch
                where school_id is not distinct from $3 and ended_at is null and ends_at > $10) < $11"
    );
    let (idle_s, weights) = match switch.effect {
        Effect::SignInClosed(_) => (None, None),
        Effect::IdleLimit(idle_s, _) => (i64::try_from(idle_s).ok(), None),
        Effect::LaneWeights(weights) => (None, Some(weights.by_lane().to_vec())),
    };
    let (kind, role) = (switch.effect.name(), switch.effect.role().map(Role::name));
    let Switch { id, school, starts_at, ends_at, authority, .. } = switch;
    let values: [&(dyn shared::pg::ToSql + Sync); 11] =
        [id, &kind, school, &role, &idle_s, &weights, starts_at, ends_at, authority, &now, &MOST_OPEN];
    Ok(transaction.execute(&sql, &values).await? == 1)
}

/// Every switch that is not over, also those that have not begun.
pub async fn find_open(reader: &mut Reader, now: DateTime<Utc>) -> Result<Vec<Switch>, Error> {
    let sql = format!(
        "select {COLUMNS} from switch where ended_at is null and ends_at > $1 order by starts_at, id"
    );
    Ok(reader.query(&sql, &[&now]).await?.iter().filter_map(switch).collect())
}

/// Ends a switch of this school, or of all schools, that is not over.
pub async fn end(
    transaction: &mut Transaction,
    school: Option<Uuid>,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Switch>, Error> {
    let sql = format!(
        "update switch set ended_at = $3
         where id = $1 and school_id is not distinct from $2 and ended_at is null and ends_at > $3 returning {COLUMNS}"
    );
    Ok(transaction.query_opt(&sql, &[&id, &school, &now]).await?.as_ref().and_then(switch))
}

/// The schema admits only kinds and roles that the code knows, each with what belongs to it.
fn switch(row: &Row) -> Option<Switch> {
    let role: Option<&str> = row.get(3);
    let role = role.and_then(Role::parse);
    let weights: Option<Vec<f64>> = row.get(5);
    let idle_s: Option<i64> = row.get(4);
    let effect = match (role, idle_s, weights.as_deref()) {
        (role, Some(idle_s), _) => Effect::IdleLimit(u64::try_from(idle_s).ok()?, role),
        (None, None, Some(&[staff, student, guardian, unknown])) => {
            Effect::LaneWeights(Weights { staff, student, guardian, unknown })
        }
        (role, None, _) => Effect::SignInClosed(role?),
    };
    Some(Switch {
        id: row.get(0),
        effect,
        school: row.get(2),
        starts_at: row.get(6),
        ends_at: row.get(7),
        authority: row.get(8),
    })
}
