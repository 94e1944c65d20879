//! Settles what is deleted of withdrawn messages and of sealed ones, and that an open incident keeps all of it.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Transaction};

/// Deletes the texts of up to `limit` messages that two persons withdrew for good before a moment. Where an incident that began
/// before they were sent, in their school or in all, is open or was until that moment, everything stays: whoever closes one destroys
/// nothing. Returns how many.
pub async fn delete_bodies(
    transaction: &mut Transaction,
    decided_before: DateTime<Utc>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<u64, Error> {
    // Its words go with it: nobody finds the text of what is not there any more.
    let sql = "with emptied as (
        update message set body = '-', body_deleted_at = $2
        where (school_id, id) in (
            select m.school_id, m.id from recall r
            join recall_message c on c.school_id = r.school_id and c.recall_id = r.id
            join message m on m.school_id = c.school_id and m.id = c.message_id
            where r.state = 'final' and r.decided_at < $1 and m.state = 'recalled' and m.body_deleted_at is null
              and not exists (
                  select 1 from incident i
                  where (i.closed_at is null or i.closed_at > $1) and i.starts_at <= m.sent_at
                    and (exists (select 1 from incident_school s where s.incident_id = i.id and s.school_id = m.school_id)
                         or not exists (select 1 from incident_school s where s.incident_id = i.id)))
            limit $3 for update of m skip locked)
        returning school_id, id),
        unindexed as (
        delete from message_words w using emptied e where w.school_id = e.school_id and w.message_id = e.id)
        select count(*) from emptied";
    let count: i64 = transaction.query_one(sql, &[&decided_before, &now, &limit]).await?.get(0);
    Ok(count.unsigned_abs())
}

/// Deletes up to `limit` sealed messages of incidents that were closed before a moment. Returns how many.
pub async fn delete_sealed(
    transaction: &mut Transaction,
    closed_before: DateTime<Utc>,
    limit: i64,
) -> Result<u64, Error> {
    let sql = "delete from sealed_message where (incident_id, school_id, message_id) in (
                   select s.incident_id, s.school_id, s.message_id
                   from incident i join sealed_message s on s.incident_id = i.id
                   where i.closed_at < $1 limit $2 for update of s skip locked)";
    transaction.execute(sql, &[&closed_before, &limit]).await
}
