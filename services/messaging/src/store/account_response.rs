//! Settles how responses to stolen accounts are kept, and how instances share the work that is left of them.
//!
//! Whoever takes an account up moves its `next_at` beyond the time that the work may take. So nobody else takes it meanwhile, and
//! if that instance dies, another one does when the time is over: nothing has to be noticed or cleaned up.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::pg::{Error, Reader, Row, ToSql, Transaction};
use shared::session::Role;
use utoipa::ToSchema;
use uuid::Uuid;

/// The school that stands for operators, who respond for all schools.
pub const OPERATORS: Uuid = Uuid::nil();

/// A response that is to be.
pub struct NewResponse<'a> {
    /// The school.
    pub school_id: Uuid,
    /// The response.
    pub id: Uuid,
    /// What it withdrew; the id of no recall where there was nothing to withdraw.
    pub recall_id: Uuid,
    /// Since when the accounts are not trusted.
    pub since: DateTime<Utc>,
    /// Why.
    pub reason: &'a str,
    /// Who demanded it.
    pub authority: &'a str,
    /// Which incident it belongs to, if any.
    pub incident_id: Option<Uuid>,
    /// Who asked for it, where that was not an operator.
    pub asked_by: Option<Uuid>,
    /// When.
    pub asked_at: DateTime<Utc>,
}

/// An account whose turn it is.
#[derive(Debug, Clone)]
pub struct Due {
    /// The response's school.
    pub school_id: Uuid,
    /// The response.
    pub response_id: Uuid,
    /// Whose account.
    pub person_id: Uuid,
    /// How often it was tried, this time included.
    pub attempts: i32,
    /// Why, for auth's own audit log.
    pub reason: String,
    /// Who demanded it.
    pub authority: String,
    /// Which incident it belongs to, if any.
    pub incident_id: Option<Uuid>,
}

/// How an account of a response is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Member {
    /// Whose account.
    pub person_id: Uuid,
    /// `waiting` for auth, `contained` (locked, signed out everywhere, to be reset), or `no_account`.
    #[schema(example = "waiting")]
    pub state: String,
    /// How often auth was asked.
    pub attempts: i32,
    /// Why it waits, once auth was asked: `auth_unreachable` or `auth_refuses`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
}

/// A response to stolen accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Response {
    /// The response.
    pub id: Uuid,
    /// The recall of what they sent, in each school that received some of it.
    pub recall_id: Uuid,
    /// Since when the accounts are not trusted.
    pub since: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// Who demanded it.
    pub authority: String,
    /// Who asked for it; absent for an operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<Uuid>,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// When auth had contained all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<DateTime<Utc>>,
    /// How many accounts.
    pub accounts: i64,
    /// How many of them wait for auth: they cannot send, and may still read.
    pub waiting: i64,
}

/// Those of some people who do not belong to a school, and those who administer any.
pub async fn find_out_of_reach(
    transaction: &mut Transaction,
    school_id: Uuid,
    people: &[Uuid],
) -> Result<(i64, i64), Error> {
    let sql = "select count(*) filter (where not exists (
                   select 1 from directory.membership m where m.school_id = $1 and m.person_id = p.id)),
                   count(*) filter (where exists (
                   select 1 from directory.membership m where m.person_id = p.id and m.role = $3))
               from unnest($2::uuid[]) as p(id)";
    let row = transaction.query_one(sql, &[&school_id, &people, &Role::LocalAdmin.name()]).await?;
    Ok((row.get(0), row.get(1)))
}

/// Keeps a response and its accounts, and refuses what they send from its commit on.
pub async fn insert(
    transaction: &mut Transaction,
    new: &NewResponse<'_>,
    people: &[Uuid],
) -> Result<(), Error> {
    let sql = "with begun as (
                   insert into account_response (school_id, id, recall_id, since, reason, authority, asked_by, asked_at, incident_id)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $10)),
               members as (
                   insert into account_response_member (school_id, response_id, person_id, next_at)
                   select $1, $2, id, $8 from unnest($9::uuid[]) id)
               insert into contained_account (person_id, response_id, contained_at)
               select id, $2, $8 from unnest($9::uuid[]) id order by id
               on conflict (person_id) do update
                 set response_id = excluded.response_id, contained_at = excluded.contained_at,
                     epoch = null, lapses_at = null";
    let params: [&(dyn ToSql + Sync); 10] = [
        &new.school_id,
        &new.id,
        &new.recall_id,
        &new.since,
        &new.reason,
        &new.authority,
        &new.asked_by,
        &new.asked_at,
        &people,
        &new.incident_id,
    ];
    transaction.execute(sql, &params).await.map(|_| ())
}

/// Takes up to `most` accounts that wait, until a moment.
pub async fn take(
    transaction: &mut Transaction,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Due>, Error> {
    let sql = "with due as (
                   select school_id, response_id, person_id from account_response_member
                   where state = 'waiting' and next_at <= $1 order by next_at limit $3 for update skip locked)
               update account_response_member m set next_at = $2, attempts = m.attempts + 1
               from due d join account_response r on r.school_id = d.school_id and r.id = d.response_id
               where m.school_id = d.school_id and m.response_id = d.response_id and m.person_id = d.person_id
               returning m.school_id, m.response_id, m.person_id, m.attempts, r.reason, r.authority, r.incident_id";
    let rows = transaction.query(sql, &[&now, &until, &most]).await?;
    let due = |row: &Row| Due {
        school_id: row.get(0),
        response_id: row.get(1),
        person_id: row.get(2),
        attempts: row.get(3),
        reason: row.get(4),
        authority: row.get(5),
        incident_id: row.get(6),
    };
    Ok(rows.iter().map(due).collect())
}

/// Puts an account back until a moment, and says why.
pub async fn put_back(
    transaction: &mut Transaction,
    due: &Due,
    next_at: DateTime<Utc>,
    waiting_for: &str,
) -> Result<(), Error> {
    let sql = "update account_response_member set next_at = $4, waiting_for = $5
               where school_id = $1 and response_id = $2 and person_id = $3 and state = 'waiting'";
    let params: [&(dyn ToSql + Sync); 5] =
        [&due.school_id, &due.response_id, &due.person_id, &next_at, &waiting_for];
    transaction.execute(sql, &params).await.map(|_| ())
}

/// Notes that auth has contained an account, at which epoch. False when that is known already.
pub async fn settle_contained(transaction: &mut Transaction, due: &Due, epoch: i64) -> Result<bool, Error> {
    let sql = "with opened as (
                   update contained_account set epoch = $4 where person_id = $3 and response_id = $2)
               update account_response_member set state = 'contained', waiting_for = null
               where school_id = $1 and response_id = $2 and person_id = $3 and state = 'waiting'";
    let params: [&(dyn ToSql + Sync); 4] = [&due.school_id, &due.response_id, &due.person_id, &epoch];
    Ok(transaction.execute(sql, &params).await? == 1)
}

/// Notes that auth has no such account: nobody can sign in, and tokens of one that was deleted are accepted until a moment.
pub async fn settle_missing(
    transaction: &mut Transaction,
    due: &Due,
    lapses_at: DateTime<Utc>,
) -> Result<bool, Error> {
    let sql = "with opened as (
                   update contained_account set lapses_at = $4 where person_id = $3 and response_id = $2)
               update account_response_member set state = 'no_account', waiting_for = null
               where school_id = $1 and response_id = $2 and person_id = $3 and state = 'waiting'";
    let params: [&(dyn ToSql + Sync); 4] = [&due.school_id, &due.response_id, &due.person_id, &lapses_at];
    Ok(transaction.execute(sql, &params).await? == 1)
}

/// Completes a response none of whose accounts waits. True for whoever does it.
pub async fn complete(transaction: &mut Transaction, due: &Due, now: DateTime<Utc>) -> Result<bool, Error> {
    // The row is locked first, so that of two who settle the last accounts at once the second sees both settled.
    let lock = "select 1 from account_response where school_id = $1 and id = $2 for update";
    transaction.query(lock, &[&due.school_id, &due.response_id]).await?;
    let sql = "update account_response set completed_at = $3
               where school_id = $1 and id = $2 and completed_at is null and not exists (
                   select 1 from account_response_member
                   where school_id = $1 and response_id = $2 and state = 'waiting')";
    Ok(transaction.execute(sql, &[&due.school_id, &due.response_id, &now]).await? == 1)
}

/// How many accounts wait, and since when the one that waits longest.
pub async fn count_waiting(reader: &mut Reader) -> Result<(i64, Option<DateTime<Utc>>), Error> {
    let sql = "select count(*), min(r.asked_at) from account_response_member m
               join account_response r on r.school_id = m.school_id and r.id = m.response_id
               where m.state = 'waiting'";
    let row = reader.query_one(sql, &[]).await?;
    Ok((row.get(0), row.get(1)))
}

const RESPONSE: &str =
    "select r.id, r.recall_id, r.since, r.reason, r.authority, r.asked_by, r.asked_at, r.completed_at,
                               count(m.person_id), count(m.person_id) filter (where m.state = 'waiting')
                        from account_response r
                        join account_response_member m on m.school_id = r.school_id and m.response_id = r.id";

/// The latest responses of a school, the newest first.
pub async fn list_latest(reader: &mut Reader, school_id: Uuid, most: i64) -> Result<Vec<Response>, Error> {
    let sql = format!(
        "{RESPONSE} where r.school_id = $1 group by r.school_id, r.id order by r.asked_at desc, r.id desc limit $2"
    );
    Ok(reader.query(&sql, &[&school_id, &most]).await?.iter().map(response).collect())
}

/// A response of a school with all its accounts.
pub async fn find(
    reader: &mut Reader,
    school_id: Uuid,
    id: Uuid,
) -> Result<Option<(Response, Vec<Member>)>, Error> {
    let sql = format!("{RESPONSE} where r.school_id = $1 and r.id = $2 group by r.school_id, r.id");
    let Some(row) = reader.query_opt(&sql, &[&school_id, &id]).await? else { return Ok(None) };
    let sql = "select person_id, state, attempts, waiting_for from account_response_member
               where school_id = $1 and response_id = $2 order by person_id";
    let member = |row: &Row| Member {
        person_id: row.get(0),
        state: row.get(1),
        attempts: row.get(2),
        waiting_for: row.get(3),
    };
    let members = reader.query(sql, &[&school_id, &id]).await?;
    Ok(Some((response(&row), members.iter().map(member).collect())))
}

fn response(row: &Row) -> Response {
    Response {
        id: row.get(0),
        recall_id: row.get(1),
        since: row.get(2),
        reason: row.get(3),
        authority: row.get(4),
        asked_by: row.get(5),
        asked_at: row.get(6),
        completed_at: row.get(7),
        accounts: row.get(8),
        waiting: row.get(9),
    }
}
