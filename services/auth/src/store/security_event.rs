//! Settles how security events are written, in batches, and read: by window, by account, by address, page by page, with what may be missing.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;
use serde::Serialize;
use shared::pg::{Error, Reader, Row, ToSql, Transaction};
use uuid::Uuid;

use crate::domain::security_event::SecurityEvent;
use crate::domain::security_events::{Loss, Writer};

/// A writer that has said nothing for this long is dead: it writes every five seconds, and gives up a write after ten.
const SILENT: TimeDelta = TimeDelta::seconds(60);

/// Adds a batch; what is there already stays.
pub async fn insert(transaction: &mut Transaction, events: &[SecurityEvent]) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    let sql = "insert into security_event (id, at, last_at, count, kind, detail, person_id, school_ids, address,
                                           device_id, is_new_device, session_id, browser)
        select id, at, last_at, count, kind, detail, person_id, string_to_array(schools, ' ')::uuid[], address,
               device_id, is_new_device, session_id, browser
        from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::int[], $5::text[], $6::text[], $7::uuid[],
                    $8::text[], $9::inet[], $10::uuid[], $11::bool[], $12::uuid[], $13::text[])
             as e(id, at, last_at, count, kind, detail, person_id, schools, address,
                  device_id, is_new_device, session_id, browser)
        on conflict (id) do nothing";
    let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
    let at: Vec<DateTime<Utc>> = events.iter().map(|event| event.at).collect();
    let last_at: Vec<DateTime<Utc>> = events.iter().map(|event| event.last_at).collect();
    let counts: Vec<i32> = events.iter().map(|event| event.count).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.name()).collect();
    let details: Vec<Option<&str>> = events.iter().map(|event| event.detail).collect();
    let people: Vec<Option<Uuid>> = events.iter().map(|event| event.person_id).collect();
    // Arrays of arrays must be rectangular, and people have one school or several.
    let schools: Vec<String> = events.iter().map(schools_of).collect();
    let addresses: Vec<Option<IpAddr>> = events.iter().map(|event| event.address).collect();
    let devices: Vec<Option<Uuid>> = events.iter().map(|event| event.device_id).collect();
    let are_new: Vec<Option<bool>> = events.iter().map(|event| event.is_new_device).collect();
    let sessions: Vec<Option<Uuid>> = events.iter().map(|event| event.session_id).collect();
    let browsers: Vec<Option<&str>> = events.iter().map(|event| event.browser.as_deref()).collect();
    let parameters: [&(dyn ToSql + Sync); 13] = [
        &ids, &at, &last_at, &counts, &kinds, &details, &people, &schools, &addresses, &devices, &are_new,
        &sessions, &browsers,
    ];
    transaction.execute(sql, &parameters).await.map(drop)
}

fn schools_of(event: &SecurityEvent) -> String {
    let schools: Vec<String> = event.school_ids.iter().map(Uuid::to_string).collect();
    schools.join(" ")
}

/// Keeps what was lost.
pub async fn insert_loss(
    transaction: &mut Transaction,
    id: Uuid,
    instance: &str,
    loss: &Loss,
) -> Result<(), Error> {
    let sql = "insert into security_event_loss (id, instance, from_at, until_at, count) values ($1, $2, $3, $4, $5)";
    transaction.execute(sql, &[&id, &instance, &loss.from, &loss.until, &loss.count]).await.map(drop)
}

/// Notes up to when a writer has written all it saw, where it knows, and its end.
pub async fn upsert_writer(
    transaction: &mut Transaction,
    writer: &Writer,
    seen_until: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    let sql = "insert into security_event_writer as w (id, instance, started_at, written_at, ended_at)
        values ($1, $2, $3, coalesce($4::timestamptz, $3), $5)
        on conflict (id) do update set written_at = greatest(w.written_at, $4), ended_at = $5";
    let instance = &*writer.instance;
    transaction
        .execute(sql, &[&writer.id, &instance, &writer.started_at, &seen_until, &ended_at])
        .await
        .map(drop)
}

/// Which events.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// From this moment on.
    pub from: DateTime<Utc>,
    /// Before this one.
    pub until: DateTime<Utc>,
    /// Of these accounts; of all when there are none.
    pub people: Vec<Uuid>,
    /// From this network; from anywhere when absent.
    pub network: Option<IpNet>,
    /// After this one, which ended the page before.
    pub after: Option<(DateTime<Utc>, Uuid)>,
}

/// An event as it is kept.
#[derive(Debug, Serialize)]
pub struct KeptEvent {
    id: Uuid,
    at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    count: i32,
    kind: String,
    detail: Option<String>,
    person_id: Option<Uuid>,
    school_ids: Vec<Uuid>,
    address: Option<IpAddr>,
    device_id: Option<Uuid>,
    is_new_device: Option<bool>,
    session_id: Option<Uuid>,
    browser: Option<String>,
}

const COLUMNS: &str = "id, at, last_at, count, kind, detail, person_id, school_ids, address, device_id, is_new_device, \
                       session_id, browser";

/// A page of events in the order of their time.
pub async fn find(reader: &mut Reader, wanted: &Wanted, limit: i64) -> Result<Vec<KeptEvent>, Error> {
    let (after_at, after_id) = wanted.after.unwrap_or((wanted.from, Uuid::nil()));
    let network = wanted.network.map(|network| network.trunc().to_string());
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&after_at, &after_id, &wanted.until, &limit];
    let mut conditions = vec!["(at, id) > ($1, $2) and at >= $1 and at < $3".to_owned()];
    // Each kind of question is a statement of its own, so that each finds its index.
    if !wanted.people.is_empty() {
        parameters.push(&wanted.people);
        conditions.push(format!("person_id = any(${})", parameters.len()));
    }
    if let Some(network) = &network {
        parameters.push(network);
        conditions.push(format!("address <<= ${}::text::cidr", parameters.len()));
    }
    let conditions = conditions.join(" and ");
    let sql = format!("select {COLUMNS} from security_event where {conditions} order by at, id limit $4");
    Ok(reader.query(&sql, &parameters).await?.iter().map(kept).collect())
}

/// A span in which events may be missing.
#[derive(Debug, Serialize)]
pub struct Gap {
    /// Which instance saw them.
    pub instance: String,
    /// From this moment on.
    pub from: DateTime<Utc>,
    /// Up to this one; not known when absent.
    pub until: Option<DateTime<Utc>>,
    /// How many; not known when absent.
    pub lost: Option<i64>,
}

/// What may be missing in a window: what could not be kept, and what instances held that died.
pub async fn find_gaps(
    reader: &mut Reader,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<Vec<Gap>, Error> {
    let sql = "select instance, from_at, until_at, count from security_event_loss where until_at >= $1 and from_at < $2
        union all
        select instance, written_at, next_start, null from (
            select w.*, (select min(n.started_at) from security_event_writer n
                         where n.instance = w.instance and n.started_at > w.started_at) as next_start
            from security_event_writer w where ended_at is null and written_at < $3) as dead
        where written_at < $2 and coalesce(next_start, written_at + interval '1 day') >= $1
        order by 2, 1";
    let rows = reader.query(sql, &[&from, &until, &(now - SILENT)]).await?;
    let gap = |row: &Row| Gap { instance: row.get(0), from: row.get(1), until: row.get(2), lost: row.get(3) };
    Ok(rows.iter().map(gap).collect())
}

/// Up to when every instance that lives has written what it saw; no moment when none lives.
pub async fn find_written_until(
    reader: &mut Reader,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, Error> {
    let sql = "select min(written_at) from security_event_writer where ended_at is null and written_at >= $1";
    Ok(reader.query_one(sql, &[&(now - SILENT)]).await?.get(0))
}

fn kept(row: &Row) -> KeptEvent {
    KeptEvent {
        id: row.get(0),
        at: row.get(1),
        last_at: row.get(2),
        count: row.get(3),
        kind: row.get(4),
        detail: row.get(5),
        person_id: row.get(6),
        school_ids: row.get(7),
        address: row.get(8),
        device_id: row.get(9),
        is_new_device: row.get(10),
        session_id: row.get(11),
        browser: row.get(12),
    }
}
