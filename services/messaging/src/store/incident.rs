//! Settles how incidents are kept and found, with their schools, accounts, networks and notes.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Json, Reader, Row, Transaction};
use uuid::Uuid;

use crate::domain::incident::{Incident, NewIncident, Note};

/// One incident as a JSON object, where `i` is its row.
const AS_JSON: &str = "jsonb_build_object('id', i.id, 'kind', i.kind, 'title', i.title, 'authority', i.authority,
    'starts_at', i.starts_at, 'opened_at', i.opened_at, 'opened_by', i.opened_by, 'closed_at', i.closed_at,
    'school_ids', (select coalesce(jsonb_agg(s.school_id order by s.school_id), '[]') from incident_school s where s.incident_id = i.id),
    'accounts', (select coalesce(jsonb_agg(a.person_id order by a.person_id), '[]') from incident_account a where a.incident_id = i.id),
    'networks', (select coalesce(jsonb_agg(n.network order by n.network), '[]') from incident_network n where n.incident_id = i.id))";

/// Opens one.
pub async fn insert(
    transaction: &mut Transaction,
    (id, now): (Uuid, DateTime<Utc>),
    by: Option<Uuid>,
    authority: &str,
    new: &NewIncident,
) -> Result<(), Error> {
    let sql = "insert into incident (id, kind, title, authority, starts_at, opened_at, opened_by)
               values ($1, $2, $3, $4, $5, $6, $7)";
    let kind = new.kind.name();
    transaction.execute(sql, &[&id, &kind, &new.title, &authority, &new.starts_at, &now, &by]).await?;
    let sql = "insert into incident_school (school_id, incident_id) select distinct school, $1::uuid from unnest($2::uuid[]) school";
    transaction.execute(sql, &[&id, &new.school_ids]).await?;
    let sql = "insert into incident_network (incident_id, network)
               select distinct $1::uuid, network::cidr from unnest($2::text[]) network";
    transaction.execute(sql, &[&id, &new.networks]).await?;
    name_accounts(transaction, id, &new.accounts, now).await.map(drop)
}

/// Adds accounts; returns how many are new.
pub async fn name_accounts(
    transaction: &mut Transaction,
    id: Uuid,
    accounts: &[Uuid],
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    let sql = "insert into incident_account (incident_id, person_id, named_at)
               select distinct $1::uuid, account, $3::timestamptz from unnest($2::uuid[]) account on conflict do nothing";
    transaction.execute(sql, &[&id, &accounts, &now]).await
}

/// Adds a note.
pub async fn insert_note(transaction: &mut Transaction, id: Uuid, note: &Note) -> Result<(), Error> {
    let sql = "insert into incident_note (incident_id, id, noted_at, noted_by, authority, note) values ($1, $2, $3, $4, $5, $6)";
    let Note { id: note_id, noted_at, noted_by, authority, text } = note;
    transaction.execute(sql, &[&id, note_id, noted_at, noted_by, authority, text]).await.map(drop)
}

/// Closes one that is open.
pub async fn close(
    transaction: &mut Transaction,
    id: Uuid,
    now: DateTime<Utc>,
    by: Option<Uuid>,
    authority: &str,
) -> Result<(), Error> {
    let sql = "update incident set closed_at = $2, closed_by = $3, closing_authority = $4 where id = $1 and closed_at is null";
    transaction.execute(sql, &[&id, &now, &by, &authority]).await.map(drop)
}

/// One incident; nobody closes or adds to it meanwhile.
pub async fn lock(transaction: &mut Transaction, id: Uuid) -> Result<Option<Incident>, Error> {
    let sql = format!("select {AS_JSON} from incident i where i.id = $1 for update of i");
    transaction.query_opt(&sql, &[&id]).await?.as_ref().map(incident).transpose()
}

/// One incident.
pub async fn find(reader: &mut Reader, id: Uuid) -> Result<Option<Incident>, Error> {
    let sql = format!("select {AS_JSON} from incident i where i.id = $1");
    reader.query_opt(&sql, &[&id]).await?.as_ref().map(incident).transpose()
}

/// The latest incidents, of a school or of all, the last opened first.
pub async fn list(reader: &mut Reader, school: Option<Uuid>, limit: i64) -> Result<Vec<Incident>, Error> {
    let sql = format!(
        "select {AS_JSON} from incident i
         where $1::uuid is null or exists (select 1 from incident_school s where s.incident_id = i.id and s.school_id = $1)
         order by i.opened_at desc, i.id limit $2"
    );
    reader.query(&sql, &[&school, &limit]).await?.iter().map(incident).collect()
}

/// What people wrote down, in order.
pub async fn find_notes(reader: &mut Reader, id: Uuid) -> Result<Vec<Note>, Error> {
    let sql = "select id, noted_at, noted_by, authority, note from incident_note where incident_id = $1 order by noted_at, id";
    let note = |row: &Row| Note {
        id: row.get(0),
        noted_at: row.get(1),
        noted_by: row.get(2),
        authority: row.get(3),
        text: row.get(4),
    };
    Ok(reader.query(sql, &[&id]).await?.iter().map(note).collect())
}

/// How many of these people have a role in a school.
pub async fn count_of_school(
    transaction: &mut Transaction,
    school: Uuid,
    people: &[Uuid],
) -> Result<i64, Error> {
    let sql = "select count(distinct person_id) from directory.membership where school_id = $1 and person_id = any($2)";
    Ok(transaction.query_one(sql, &[&school, &people]).await?.get(0))
}

/// Those of these people who have a role in a school.
pub async fn list_of_school(reader: &mut Reader, school: Uuid, people: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    let sql =
        "select distinct person_id from directory.membership where school_id = $1 and person_id = any($2)";
    Ok(reader.query(sql, &[&school, &people]).await?.iter().map(|row| row.get(0)).collect())
}

/// Recalls since a moment in schools (all, when there are none) about which nothing is decided: school and recall.
pub async fn find_quarantined(
    transaction: &mut Transaction,
    schools: &[Uuid],
    since: DateTime<Utc>,
) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let sql = "select school_id, id from recall
               where (cardinality($1::uuid[]) = 0 or school_id = any($1)) and hidden_at >= $2 and state = 'quarantined'
               order by hidden_at, school_id limit 500";
    let rows = transaction.query(sql, &[&schools, &since]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

fn incident(row: &Row) -> Result<Incident, Error> {
    Ok(row.try_get::<_, Json<Incident>>(0)?.0)
}
