//! Settles how the durable copies of sessions are written, in batches, and read.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Reader, Row, Transaction};
use uuid::Uuid;

/// A session as the copy has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCopy {
    /// The person.
    pub person_id: Uuid,
    /// The session.
    pub sid: Uuid,
    /// How often it was refreshed.
    pub generation: i32,
    /// Which browser it is in, for people to know it again.
    pub browser: String,
    /// When the person signed in.
    pub created_at: DateTime<Utc>,
    /// When it was refreshed last.
    pub refreshed_at: DateTime<Utc>,
    /// When it ends, whatever happens.
    pub ends_at: DateTime<Utc>,
    /// Whether it has been ended before that.
    pub is_ended: bool,
}

impl SessionCopy {
    /// What two observations of one session say together.
    #[must_use]
    pub fn merged(self, other: &Self) -> Self {
        Self {
            generation: self.generation.max(other.generation),
            refreshed_at: self.refreshed_at.max(other.refreshed_at),
            is_ended: self.is_ended || other.is_ended,
            ..self
        }
    }
}

/// Writes a batch, each session once. What is written is never lowered.
pub async fn upsert(transaction: &mut Transaction, copies: &[SessionCopy]) -> Result<(), Error> {
    let sql = "insert into session (person_id, sid, generation, browser, created_at, refreshed_at, ends_at, is_ended)
        select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::timestamptz[], $6::timestamptz[],
                             $7::timestamptz[], $8::bool[])
        on conflict (person_id, sid) do update set
            generation = greatest(session.generation, excluded.generation),
            refreshed_at = greatest(session.refreshed_at, excluded.refreshed_at),
            is_ended = session.is_ended or excluded.is_ended";
    let person_ids: Vec<Uuid> = copies.iter().map(|copy| copy.person_id).collect();
    let sids: Vec<Uuid> = copies.iter().map(|copy| copy.sid).collect();
    let generations: Vec<i32> = copies.iter().map(|copy| copy.generation).collect();
    let browsers: Vec<&str> = copies.iter().map(|copy| copy.browser.as_str()).collect();
    let created: Vec<DateTime<Utc>> = copies.iter().map(|copy| copy.created_at).collect();
    let refreshed: Vec<DateTime<Utc>> = copies.iter().map(|copy| copy.refreshed_at).collect();
    let ends: Vec<DateTime<Utc>> = copies.iter().map(|copy| copy.ends_at).collect();
    let are_ended: Vec<bool> = copies.iter().map(|copy| copy.is_ended).collect();
    transaction
        .execute(sql, &[&person_ids, &sids, &generations, &browsers, &created, &refreshed, &ends, &are_ended])
        .await?;
    Ok(())
}

/// Notes when these people signed in, where that is later than what is known.
pub async fn note_sign_ins(transaction: &mut Transaction, copies: &[SessionCopy]) -> Result<(), Error> {
    // Most of a batch are refreshes, which find their sign-in noted and write nothing.
    let sql = "insert into last_sign_in (person_id, at)
        select c.person_id, max(c.at) from unnest($1::uuid[], $2::timestamptz[]) as c(person_id, at)
        where not exists (select 1 from last_sign_in l where l.person_id = c.person_id and l.at >= c.at)
        group by c.person_id order by c.person_id
        on conflict (person_id) do update set at = greatest(last_sign_in.at, excluded.at)";
    let person_ids: Vec<Uuid> = copies.iter().map(|copy| copy.person_id).collect();
    let created: Vec<DateTime<Utc>> = copies.iter().map(|copy| copy.created_at).collect();
    transaction.execute(sql, &[&person_ids, &created]).await?;
    Ok(())
}

const COLUMNS: &str = "person_id, sid, generation, browser, created_at, refreshed_at, ends_at, is_ended";

/// One session of a person.
pub async fn find(reader: &mut Reader, person_id: Uuid, sid: Uuid) -> Result<Option<SessionCopy>, Error> {
    let sql = format!("select {COLUMNS} from session where person_id = $1 and sid = $2");
    Ok(reader.query_opt(&sql, &[&person_id, &sid]).await?.as_ref().map(copy))
}

/// The sessions of a person that have not ended at `now`, newest first.
pub async fn find_of_person(
    reader: &mut Reader,
    person_id: Uuid,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<SessionCopy>, Error> {
    let sql = format!(
        "select {COLUMNS} from session where person_id = $1 and not is_ended and ends_at > $2
         order by refreshed_at desc, sid limit $3"
    );
    Ok(reader.query(&sql, &[&person_id, &now, &limit]).await?.iter().map(copy).collect())
}

/// Ends one session of a person. Returns whether there was one.
pub async fn end(transaction: &mut Transaction, person_id: Uuid, sid: Uuid) -> Result<bool, Error> {
    let sql = "update session set is_ended = true where person_id = $1 and sid = $2 and not is_ended";
    Ok(transaction.execute(sql, &[&person_id, &sid]).await? == 1)
}

/// Ends all sessions of a person.
pub async fn end_all(transaction: &mut Transaction, person_id: Uuid) -> Result<u64, Error> {
    let sql = "update session set is_ended = true where person_id = $1 and not is_ended";
    transaction.execute(sql, &[&person_id]).await
}

/// Deletes up to `limit` copies that nobody can use any more. Returns how many.
pub async fn delete_before(
    transaction: &mut Transaction,
    at: DateTime<Utc>,
    limit: i64,
) -> Result<u64, Error> {
    let sql = "delete from session where (person_id, sid) in (
                   select person_id, sid from session where ends_at < $1 order by ends_at limit $2 for update skip locked)";
    transaction.execute(sql, &[&at, &limit]).await
}

fn copy(row: &Row) -> SessionCopy {
    SessionCopy {
        person_id: row.get(0),
        sid: row.get(1),
        generation: row.get(2),
        browser: row.get(3),
        created_at: row.get(4),
        refreshed_at: row.get(5),
        ends_at: row.get(6),
        is_ended: row.get(7),
    }
}

#[cfg(test)]
mod tests;
