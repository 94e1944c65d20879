//! Settles what a school sees of its recalls: which there were, and who had read what was withdrawn.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::pg::{Error, Json, Reader, Row};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::recall::Selector;

/// What one act withdrew in a school.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recall {
    /// The recall.
    pub id: Uuid,
    /// Which messages it named; of people, those of the school. Absent where it named a message of another school.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// Why.
    pub reason: String,
    /// Who demanded it.
    pub authority: String,
    /// Whom recipients are told to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Who asked for it; absent for an operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<Uuid>,
    /// Since when its messages are hidden.
    pub hidden_at: DateTime<Utc>,
    /// How many messages.
    pub messages: i64,
    /// How many copies of them.
    pub copies: i64,
    /// How many of these had been read.
    pub read: i64,
    /// `quarantined`, `restored` or `final`.
    #[schema(example = "quarantined")]
    pub state: String,
    /// When that was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
}

/// Somebody who had read what was withdrawn.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReaderOf {
    /// The person.
    pub person_id: Uuid,
    /// Absent until the directory has told it.
    pub name: Option<String>,
    /// Their roles in the school.
    pub roles: Vec<String>,
    /// When they read the first of these messages.
    pub read_at: DateTime<Utc>,
    /// How many of them they had read.
    pub messages: i64,
}

/// The latest recalls of a school, or of all schools, the newest first. A recall of all schools names people and messages of others,
/// and these are nobody's business in the school.
pub async fn list_latest(
    reader: &mut Reader,
    school_id: Option<Uuid>,
    most: i64,
) -> Result<Vec<Recall>, Error> {
    let sql = "select id,
                      case when $1::uuid is null then selector
                           when selector ->> 'kind' = 'senders' then jsonb_set(selector, '{ids}', (
                               select coalesce(jsonb_agg(n.id), '[]') from jsonb_array_elements_text(selector -> 'ids') n (id)
                               where exists (select 1 from directory.membership p
                                             where p.school_id = $1 and p.person_id = n.id::uuid)))
                           when selector ->> 'kind' = 'alike' and not exists (
                               select 1 from message m where m.school_id = $1 and m.id = (selector ->> 'message_id')::uuid) then null
                           else selector end,
                      reason, authority, contact, asked_by, hidden_at, message_count, copy_count,
                      read_count, state, decided_at
               from recall where ($1::uuid is null or school_id = $1) order by hidden_at desc, id desc limit $2";
    reader.query(sql, &[&school_id, &most]).await?.iter().map(recall).collect()
}

/// Who had read messages of a recall, in the order of their ids, after one of them.
pub async fn list_readers(
    reader: &mut Reader,
    (school_id, id): (Uuid, Uuid),
    after: Uuid,
    most: i64,
) -> Result<Option<Vec<ReaderOf>>, Error> {
    let sql = "with readers as (
                   select d.recipient_id, min(d.read_at) as read_at, count(*) as messages
                   from recall_message c
                   join delivery d on d.school_id = c.school_id and d.message_id = c.message_id
                                  and d.read_at is not null and d.recipient_id > $3
                   where c.school_id = $1 and c.recall_id = $2
                   group by 1 order by 1 limit $4)
               select r.recipient_id, p.given_name || ' ' || p.family_name,
                      array(select m.role from directory.membership m
                            where m.school_id = $1 and m.person_id = r.recipient_id order by m.role),
                      r.read_at, r.messages
               from recall k left join readers r on true left join directory.person p on p.id = r.recipient_id
               where k.school_id = $1 and k.id = $2 order by 1";
    let rows = reader.query(sql, &[&school_id, &id, &after, &most]).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let reader_of = |row: &Row| {
        Some(ReaderOf {
            person_id: row.get::<_, Option<Uuid>>(0)?,
            name: row.get(1),
            roles: row.get(2),
            read_at: row.get(3),
            messages: row.get(4),
        })
    };
    Ok(Some(rows.iter().filter_map(reader_of).collect()))
}

fn recall(row: &Row) -> Result<Recall, Error> {
    let selector = row.try_get::<_, Option<Json<Selector>>>(1)?.map(|Json(selector)| selector);
    Ok(Recall {
        id: row.get(0),
        selector,
        reason: row.get(2),
        authority: row.get(3),
        contact: row.get(4),
        asked_by: row.get(5),
        hidden_at: row.get(6),
        messages: row.get(7),
        copies: row.get(8),
        read: row.get(9),
        state: row.get(10),
        decided_at: row.get(11),
    })
}
