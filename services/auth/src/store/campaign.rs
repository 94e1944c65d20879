//! Settles how campaigns are kept, worked off a batch at a time, and what of them has been printed.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::pg::{Error, Reader, Row, Transaction};
use shared::session::Role;
use utoipa::ToSchema;
use uuid::Uuid;

/// Which campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The school.
    pub school: Uuid,
    /// The campaign.
    pub id: Uuid,
}

/// A campaign that is to be.
pub struct NewCampaign {
    /// Which.
    pub key: Key,
    /// `activation` or `reset`.
    pub purpose: &'static str,
    /// What was asked for, so that the same id for something else is noticed.
    pub fingerprint: String,
    /// Who asks.
    pub created_by: Uuid,
    /// Who demanded it.
    pub authority: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Members of a campaign of whom one thing is true.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftOut {
    /// The person.
    pub person_id: Uuid,
    /// `administrator`, `no_account`, `left_school`, `blocked` or `activated`.
    #[schema(example = "blocked")]
    pub because: String,
}

/// What is printed at once.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sheet {
    /// Its number in the campaign, from 1.
    pub number: i32,
    /// The class, or the part of a role.
    pub heading: String,
    /// People whose accounts the worker has not come to.
    pub waiting: i64,
    /// People who get a code, unless they have used one meanwhile.
    pub ready: i64,
    /// How often it was printed.
    pub printings: i32,
    /// When it was printed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub printed_at: Option<DateTime<Utc>>,
}

/// A campaign among others.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overview {
    /// The campaign.
    pub id: Uuid,
    /// `activation` or `reset`.
    #[schema(example = "reset")]
    pub purpose: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// Who demanded it.
    pub authority: String,
    /// How many sheets it has.
    pub sheets: i64,
    /// How many of them were printed.
    pub printed: i64,
    /// People whose accounts the worker has not come to.
    pub waiting: i64,
}

/// Members of one campaign that the worker holds.
pub struct Batch {
    /// Their campaign.
    pub key: Key,
    /// Its purpose.
    pub purpose: String,
    /// Who asked for it.
    pub created_by: Uuid,
    /// Who demanded it.
    pub authority: String,
    /// The people.
    pub people: Vec<Uuid>,
}

/// Somebody on a sheet.
pub struct Card {
    /// The person.
    pub person_id: Uuid,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// What they sign in with.
    pub login: String,
}

/// Keeps a campaign, without members. What was asked for under the same id before, if anything was.
pub async fn insert(transaction: &mut Transaction, new: &NewCampaign) -> Result<Option<String>, Error> {
    let NewCampaign { key: Key { school, id }, purpose, fingerprint, created_by, authority, created_at } =
        new;
    let sql = "insert into campaign (school_id, id, purpose, fingerprint, created_by, authority, created_at)
               values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing";
    if transaction
        .execute(sql, &[school, id, purpose, fingerprint, created_by, authority, created_at])
        .await?
        == 1
    {
        return Ok(None);
    }
    let sql = "select fingerprint from campaign where school_id = $1 and id = $2";
    Ok(Some(transaction.query_one(sql, &[school, id]).await?.get(0)))
}

/// Adds a sheet and its people; who is on an earlier one stays there. Returns how many of them are not of the school.
pub async fn insert_sheet(
    transaction: &mut Transaction,
    key: Key,
    (number, heading): (i32, &str),
    people: &[Uuid],
) -> Result<i64, Error> {
    let sql = "insert into campaign_sheet (school_id, campaign_id, number, heading) values ($1, $2, $3, $4)";
    transaction.execute(sql, &[&key.school, &key.id, &number, &heading]).await?;
    let sql = "insert into campaign_member (school_id, campaign_id, person_id, sheet)
               select $1, $2, person_id, $3 from unnest($4::uuid[]) person_id on conflict do nothing";
    transaction.execute(sql, &[&key.school, &key.id, &number, &people]).await?;
    let sql = "select count(*) from unnest($2::uuid[]) as asked(id)
               where not exists (select 1 from membership m where m.school_id = $1 and m.person_id = asked.id)";
    Ok(transaction.query_one(sql, &[&key.school, &people]).await?.get(0))
}

/// Everybody with a role in a school, in the order of their names.
pub async fn find_people(
    transaction: &mut Transaction,
    school: Uuid,
    role: Role,
) -> Result<Vec<Uuid>, Error> {
    let sql = "select p.id from membership m join person p on p.id = m.person_id
               where m.school_id = $1 and m.role = $2 order by p.family_name, p.given_name, p.id";
    let rows = transaction.query(sql, &[&school, &role.name()]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Holds up to `limit` members of one campaign whom nobody has come to.
pub async fn next_batch(transaction: &mut Transaction, limit: i64) -> Result<Option<Batch>, Error> {
    let sql = "with first as (select school_id, campaign_id from campaign_member where state = 'waiting'
                              order by school_id, campaign_id, person_id limit 1 for update skip locked),
                    held as (select m.person_id from campaign_member m join first using (school_id, campaign_id)
                             where m.state = 'waiting' order by m.person_id limit $1 for update of m skip locked)
               select c.school_id, c.id, c.purpose, c.created_by, c.authority, array(select person_id from held)
               from campaign c join first on (c.school_id, c.id) = (first.school_id, first.campaign_id)";
    Ok(transaction.query_opt(sql, &[&limit]).await?.map(|row| Batch {
        key: Key { school: row.get(0), id: row.get(1) },
        purpose: row.get(2),
        created_by: row.get(3),
        authority: row.get(4),
        people: row.get(5),
    }))
}

/// Sorts the people of a batch, whose accounts stay held: who gets a code, and why others do not. Returns those who do.
pub async fn sort(transaction: &mut Transaction, batch: &Batch) -> Result<Vec<Uuid>, Error> {
    // In the order in which revocations hold them.
    let hold = "select 1 from account where person_id = any($1) order by person_id for update";
    transaction.query(hold, &[&batch.people]).await?;
    let sql = "update campaign_member c set state = case
                   when exists (select 1 from membership m where m.person_id = c.person_id and m.role = 'LocalAdmin') then 'administrator'
                   when not exists (select 1 from membership m where (m.school_id, m.person_id) = (c.school_id, c.person_id)) then 'left_school'
                   when a.person_id is null then 'no_account'
                   when a.blocked_at is not null then 'blocked'
                   when $4 = 'activation' and a.password_hash is not null then 'activated'
                   else 'ready' end
               from unnest($3::uuid[]) as held(id) left join account a on a.person_id = held.id
               where (c.school_id, c.campaign_id, c.person_id) = ($1, $2, held.id)
               returning c.person_id, c.state = 'ready'";
    let Key { school, id } = batch.key;
    let rows = transaction.query(sql, &[&school, &id, &batch.people, &batch.purpose]).await?;
    let mut ready: Vec<Uuid> = rows.iter().filter(|row| row.get(1)).map(|row| row.get(0)).collect();
    ready.sort_unstable();
    Ok(ready)
}

/// Makes passwords and printed codes worth nothing, and ends sessions' copies.
pub async fn force_reset(
    transaction: &mut Transaction,
    people: &[Uuid],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let sql = "update account set reset_forced_at = coalesce(reset_forced_at, $2) where person_id = any($1)";
    transaction.execute(sql, &[&people, &now]).await?;
    let sql = "update account_code set used_at = $2 where person_id = any($1) and used_at is null";
    transaction.execute(sql, &[&people, &now]).await?;
    let sql = "update session set is_ended = true where person_id = any($1) and not is_ended";
    transaction.execute(sql, &[&people]).await?;
    Ok(())
}

/// The latest campaigns of a school, the newest first.
pub async fn find_latest(reader: &mut Reader, school: Uuid, limit: i64) -> Result<Vec<Overview>, Error> {
    let sql = "select c.id, c.purpose, c.created_at, c.authority,
                      (select count(*) from campaign_sheet s where (s.school_id, s.campaign_id) = (c.school_id, c.id)),
                      (select count(*) from campaign_sheet s where (s.school_id, s.campaign_id) = (c.school_id, c.id) and s.printings > 0),
                      (select count(*) from campaign_member m where (m.school_id, m.campaign_id) = (c.school_id, c.id) and m.state = 'waiting')
               from campaign c where c.school_id = $1 order by c.created_at desc, c.id limit $2";
    let overview = |row: &Row| Overview {
        id: row.get(0),
        purpose: row.get(1),
        created_at: row.get(2),
        authority: row.get(3),
        sheets: row.get(4),
        printed: row.get(5),
        waiting: row.get(6),
    };
    Ok(reader.query(sql, &[&school, &limit]).await?.iter().map(overview).collect())
}

/// The purpose of a campaign and when it was made, if the school has it.
pub async fn find(reader: &mut Reader, key: Key) -> Result<Option<(String, DateTime<Utc>)>, Error> {
    let sql = "select purpose, created_at from campaign where school_id = $1 and id = $2";
    Ok(reader.query_opt(sql, &[&key.school, &key.id]).await?.map(|row| (row.get(0), row.get(1))))
}

/// The sheets of a campaign.
pub async fn find_sheets(reader: &mut Reader, key: Key) -> Result<Vec<Sheet>, Error> {
    let sql = "select s.number, s.heading, s.printings, s.printed_at,
                      count(*) filter (where m.state = 'waiting'), count(*) filter (where m.state = 'ready')
               from campaign_sheet s left join campaign_member m
                 on (m.school_id, m.campaign_id, m.sheet) = (s.school_id, s.campaign_id, s.number)
               where s.school_id = $1 and s.campaign_id = $2 group by s.school_id, s.campaign_id, s.number order by s.number";
    let sheet = |row: &Row| Sheet {
        number: row.get(0),
        heading: row.get(1),
        printings: row.get(2),
        printed_at: row.get(3),
        waiting: row.get(4),
        ready: row.get(5),
    };
    Ok(reader.query(sql, &[&key.school, &key.id]).await?.iter().map(sheet).collect())
}

/// Who gets no code, and why.
pub async fn find_left_out(reader: &mut Reader, key: Key) -> Result<Vec<LeftOut>, Error> {
    let sql = "select person_id, state from campaign_member
               where school_id = $1 and campaign_id = $2 and state not in ('waiting', 'ready') order by sheet, person_id";
    let rows = reader.query(sql, &[&key.school, &key.id]).await?;
    Ok(rows.iter().map(|row| LeftOut { person_id: row.get(0), because: row.get(1) }).collect())
}

/// A sheet that is held: heading, how often it was printed, how many of its people wait, purpose of the campaign, name of the school.
pub async fn hold_sheet(
    transaction: &mut Transaction,
    key: Key,
    number: i32,
) -> Result<Option<(String, i32, i64, String, String)>, Error> {
    let sql = "select s.heading, s.printings,
                      (select count(*) from campaign_member m
                       where (m.school_id, m.campaign_id, m.sheet) = ($1, $2, $3) and m.state = 'waiting'),
                      c.purpose, o.name
               from campaign_sheet s join campaign c on (c.school_id, c.id) = (s.school_id, s.campaign_id)
               join school o on o.id = s.school_id
               where (s.school_id, s.campaign_id, s.number) = ($1, $2, $3) for update of s";
    let row = transaction.query_opt(sql, &[&key.school, &key.id, &number]).await?;
    Ok(row.map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))))
}

/// Those of a sheet who still need a code, in the order of their names; their accounts stay held. Nobody who has become an
/// administrator, has left or was blocked meanwhile.
pub async fn hold_cards(
    transaction: &mut Transaction,
    key: Key,
    number: i32,
    purpose: &str,
) -> Result<Vec<Card>, Error> {
    let sql = "select p.id, p.given_name, p.family_name, a.login
               from campaign_member m join account a on a.person_id = m.person_id join person p on p.id = m.person_id
               where (m.school_id, m.campaign_id, m.sheet) = ($1, $2, $3) and m.state = 'ready' and a.blocked_at is null
                 and case $4 when 'activation' then a.password_hash is null else a.reset_forced_at is not null end
                 and exists (select 1 from membership s where (s.school_id, s.person_id) = (m.school_id, m.person_id))
                 and not exists (select 1 from membership s where s.person_id = m.person_id and s.role = 'LocalAdmin')
               order by a.person_id for update of a";
    let rows = transaction.query(sql, &[&key.school, &key.id, &number, &purpose]).await?;
    let card = |row: &Row| Card {
        person_id: row.get(0),
        given_name: row.get(1),
        family_name: row.get(2),
        login: row.get(3),
    };
    Ok(rows.iter().map(card).collect())
}

/// Notes that a sheet was printed.
pub async fn note_printing(
    transaction: &mut Transaction,
    key: Key,
    number: i32,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let sql = "update campaign_sheet set printings = printings + 1, printed_at = $4
               where (school_id, campaign_id, number) = ($1, $2, $3)";
    transaction.execute(sql, &[&key.school, &key.id, &number, &now]).await?;
    Ok(())
}
