//! Settles how what two persons decide about a quarantine is kept, and how its messages are shown again.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Row, ToSql, Transaction};
use uuid::Uuid;

use crate::domain::recall::Decision;

/// The school that stands for all that a recall concerns.
const EVERYWHERE: Uuid = Uuid::nil();

/// What one person has asked to make of a quarantine.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Which asking.
    pub id: Uuid,
    /// Who.
    pub by: Uuid,
    /// When.
    pub at: DateTime<Utc>,
}

/// A recall that can be decided, or could once.
#[derive(Debug, Clone, Copy)]
pub struct Quarantine {
    /// Whether nothing was decided yet, in one school at least.
    pub is_open: bool,
    /// Which incident it belongs to, if any.
    pub incident_id: Option<Uuid>,
}

/// A recall of a school, or of all that it concerns. `None` when there is none.
pub async fn find_quarantine(
    transaction: &mut Transaction,
    school_id: Option<Uuid>,
    id: Uuid,
) -> Result<Option<Quarantine>, Error> {
    let sql = "select state = 'quarantined', incident_id from recall
               where id = $2 and ($1::uuid is null or school_id = $1) order by 1 desc limit 1";
    let row = transaction.query_opt(sql, &[&school_id, &id]).await?;
    Ok(row.map(|row| Quarantine { is_open: row.get(0), incident_id: row.get(1) }))
}

/// Who has asked for a decision after a moment, if nobody has confirmed it.
pub async fn find_asked(
    transaction: &mut Transaction,
    school_id: Option<Uuid>,
    id: Uuid,
    decision: Decision,
    after: DateTime<Utc>,
) -> Result<Option<Asked>, Error> {
    let sql = "select id, asked_by, asked_at from recall_decision
               where school_id = $1 and recall_id = $2 and decision = $3 and asked_at > $4 and confirmed_by is null
               order by asked_at desc, id desc limit 1";
    let school_id = school_id.unwrap_or(EVERYWHERE);
    let row = transaction.query_opt(sql, &[&school_id, &id, &decision.name(), &after]).await?;
    Ok(row.as_ref().map(|row: &Row| Asked { id: row.get(0), by: row.get(1), at: row.get(2) }))
}

/// Keeps what somebody asks for.
pub async fn ask(
    transaction: &mut Transaction,
    school_id: Option<Uuid>,
    id: Uuid,
    decision: Decision,
    asked: &Asked,
) -> Result<(), Error> {
    let sql = "insert into recall_decision (school_id, recall_id, id, decision, asked_by, asked_at)
               values ($1, $2, $3, $4, $5, $6)";
    let school_id = school_id.unwrap_or(EVERYWHERE);
    let params: [&(dyn ToSql + Sync); 6] =
        [&school_id, &id, &asked.id, &decision.name(), &asked.by, &asked.at];
    transaction.execute(sql, &params).await.map(|_| ())
}

/// Notes who confirmed it. The schema refuses whoever asked.
pub async fn confirm(
    transaction: &mut Transaction,
    school_id: Option<Uuid>,
    id: Uuid,
    asked: &Asked,
    person: Uuid,
) -> Result<(), Error> {
    let sql =
        "update recall_decision set confirmed_by = $4 where school_id = $1 and recall_id = $2 and id = $3";
    let school_id = school_id.unwrap_or(EVERYWHERE);
    transaction.execute(sql, &[&school_id, &id, &asked.id, &person]).await.map(|_| ())
}

/// Decides about a quarantine, in one school or in all that it concerns. Returns in how many.
pub async fn decide(
    transaction: &mut Transaction,
    school_id: Option<Uuid>,
    id: Uuid,
    decision: Decision,
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    let sql = "update recall set state = $3, decided_at = $4
               where id = $2 and ($1::uuid is null or school_id = $1) and state = 'quarantined'";
    transaction.execute(sql, &[&school_id, &id, &decision.name(), &now]).await
}

/// Shows the messages of restored recalls with this id again, but for those that another recall covers.
pub async fn restore(transaction: &mut Transaction, school_id: Option<Uuid>, id: Uuid) -> Result<(), Error> {
    let sql = "update message m set state = c.state_before
               from recall r join recall_message c on c.school_id = r.school_id and c.recall_id = r.id
               where r.id = $2 and ($1::uuid is null or r.school_id = $1) and r.state = 'restored'
                 and m.school_id = c.school_id and m.id = c.message_id and m.state = 'recalled'
                 and not exists (
                     select 1 from recall_message oc
                     join recall o on o.school_id = oc.school_id and o.id = oc.recall_id
                     where oc.school_id = m.school_id and oc.message_id = m.id and o.state <> 'restored')";
    transaction.execute(sql, &[&school_id, &id]).await.map(|_| ())
}
