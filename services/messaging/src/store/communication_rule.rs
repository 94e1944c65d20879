//! Settles how a school's changes of who may write to whom are kept.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Json, Reader, Transaction};
use uuid::Uuid;

use crate::domain::communication_rule::Rule;

/// What a school has changed.
pub async fn list(reader: &mut Reader, school: Uuid) -> Result<Vec<Rule>, Error> {
    let sql = "select coalesce(jsonb_agg(jsonb_build_object('sender', sender, 'recipient', recipient, 'scope', scope)), '[]')
               from communication_rule where school_id = $1";
    Ok(reader.query_one(sql, &[&school]).await?.try_get::<_, Json<Vec<Rule>>>(0)?.0)
}

/// Keeps a rule of a school; one that is the default is no change.
pub async fn update(
    transaction: &mut Transaction,
    school: Uuid,
    rule: &Rule,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let (sender, recipient, scope) = (rule.sender.name(), rule.recipient.name(), rule.scope.name());
    if *rule == Rule::default_of(rule.sender, rule.recipient) {
        let sql = "delete from communication_rule where (school_id, sender, recipient) = ($1, $2, $3)";
        return transaction.execute(sql, &[&school, &sender, &recipient]).await.map(|_| ());
    }
    let sql = "insert into communication_rule (school_id, sender, recipient, scope, changed_at)
               values ($1, $2, $3, $4, $5)
               on conflict (school_id, sender, recipient)
               do update set scope = excluded.scope, changed_at = excluded.changed_at";
    transaction.execute(sql, &[&school, &sender, &recipient, &scope, &now]).await.map(|_| ())
}
