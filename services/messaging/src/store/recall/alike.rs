//! Settles how the texts of a while are found that a message is compared with, and which texts a recall teaches.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Row, ToSql, Transaction};
use uuid::Uuid;

use crate::domain::detection::fingerprint::Fingerprint;

/// The text of a message, in a school or in any: the inner None for one too short to be compared.
pub async fn find_text(
    transaction: &mut Transaction,
    school_id: Option<Uuid>,
    message_id: Uuid,
) -> Result<Option<Option<Fingerprint>>, Error> {
    let sql = "select m.fingerprint from directory.school s
               join message m on m.school_id = s.id and m.id = $2 where $1::uuid is null or s.id = $1";
    let row = transaction.query_opt(sql, &[&school_id, &message_id]).await?;
    Ok(row.map(|row| row.get::<_, Option<&[u8]>>(0).and_then(Fingerprint::from_bytes)))
}

/// The school, or all of them.
pub async fn list_schools(
    transaction: &mut Transaction,
    school_id: Option<Uuid>,
) -> Result<Vec<Uuid>, Error> {
    let sql = "select id from directory.school where $1::uuid is null or id = $1 order by id";
    let rows = transaction.query(sql, &[&school_id]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Up to `limit` texts that were sent in a school for a while, whatever became of them.
pub async fn list_texts(
    transaction: &mut Transaction,
    school_id: Uuid,
    (since, until): (DateTime<Utc>, Option<DateTime<Utc>>),
    limit: i64,
) -> Result<Vec<(Uuid, Fingerprint)>, Error> {
    let sql = "select id, fingerprint from message
               where school_id = $1 and sent_at >= $2 and sent_at < coalesce($3::timestamptz, 'infinity')
                 and fingerprint is not null limit $4";
    let params: [&(dyn ToSql + Sync); 4] = [&school_id, &since, &until, &limit];
    let text = |row: &Row| Some((row.get(0), Fingerprint::from_bytes(row.get(1))?));
    Ok(transaction.query(sql, &params).await?.iter().filter_map(text).collect())
}

/// The newest messages with a text of their own that a recall covers and nobody had refused: schools and messages. `shown_again`:
/// without those that another recall in force hides.
pub async fn list_newest(
    transaction: &mut Transaction,
    school_id: Option<Uuid>,
    recall_id: Uuid,
    shown_again: bool,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let sql = "select m.school_id, m.id from recall r
               join recall_message c on c.school_id = r.school_id and c.recall_id = r.id
               join message m on m.school_id = c.school_id and m.id = c.message_id
               where r.id = $2 and ($1::uuid is null or r.school_id = $1)
                 and c.cause = 'selected' and c.state_before <> 'refused' and m.fingerprint is not null
                 and (not $4::boolean or m.state <> 'recalled')
               order by m.id desc limit $3";
    let rows = transaction.query(sql, &[&school_id, &recall_id, &limit, &shown_again]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
