//! Settles how restrictions, their reopenings and all-clears are kept.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Json, Reader, Row, ToSql, Transaction};
use uuid::Uuid;

use crate::domain::restriction::{Mode, Restriction};
use crate::domain::restrictions::MOST_OPEN;

/// The school that stands for all schools.
pub const EVERYWHERE: Uuid = Uuid::nil();

/// What is in force in the school `$1` at `$2`, as one JSON array: its own, and that of all schools, each as far as this
/// school, or operators for all schools, have reopened it.
pub(super) const IN_FORCE: &str = "select coalesce(jsonb_agg(to_jsonb(found) order by found.opened_at, found.id), '[]')
    from (select r.id, r.school_id = '00000000-0000-0000-0000-000000000000' as is_of_all_schools, r.role, r.direction,
                 coalesce(o.mode, r.mode) as mode, r.needs_all_clear, r.reason, r.authority, r.opened_at, r.ends_at
          from send_restriction r
          left join lateral (
              select mode from reopening
              where school_id in ($1, '00000000-0000-0000-0000-000000000000') and restriction_id = r.id
                and confirmed_at is not null
              order by array_position(array['open', 'reply_only', 'hold'], mode) limit 1) o on true
          where r.school_id in ($1, '00000000-0000-0000-0000-000000000000') and r.ends_at > $2
            and coalesce(o.mode, r.mode) <> 'open') found";

/// What one person has asked to make of a restriction.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Which asking.
    pub id: Uuid,
    /// What it is to become.
    pub mode: Mode,
    /// Who.
    pub by: Uuid,
    /// When.
    pub at: DateTime<Utc>,
}

/// The column of [`IN_FORCE`]. What cannot be read is an error: nobody sends because a restriction was not understood.
pub(super) fn restrictions(row: &Row, column: usize) -> Result<Vec<Restriction>, Error> {
    Ok(row.try_get::<_, Json<Vec<Restriction>>>(column)?.0)
}

/// What is in force in a school, the oldest first.
pub async fn list_in_force(
    transaction: &mut Transaction,
    school: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Restriction>, Error> {
    restrictions(&transaction.query_one(IN_FORCE, &[&school, &now]).await?, 0)
}

/// The same for what is shown.
pub async fn read_in_force(
    reader: &mut Reader,
    school: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Restriction>, Error> {
    restrictions(&reader.query_one(IN_FORCE, &[&school, &now]).await?, 0)
}

/// How many are in force anywhere, by mode, and whether they are of all schools. What single schools have reopened of one of all schools
/// counts for as long as it is in force in the others.
pub async fn count_in_force(
    reader: &mut Reader,
    now: DateTime<Utc>,
) -> Result<Vec<(Mode, bool, i64)>, Error> {
    let sql = "select to_jsonb(mode), school_id = '00000000-0000-0000-0000-000000000000' as of_all, count(*)
               from (select r.school_id, coalesce(o.mode, r.mode) as mode from send_restriction r
                     left join lateral (
                         select mode from reopening
                         where school_id in (r.school_id, '00000000-0000-0000-0000-000000000000')
                           and restriction_id = r.id and confirmed_at is not null
                         order by array_position(array['open', 'reply_only', 'hold'], mode) limit 1) o on true
                     where r.ends_at > $1) found
               group by mode, of_all";
    let rows = reader.query(sql, &[&now]).await?;
    let count = |row: &Row| {
        let Json(mode) = row.try_get(0)?;
        Ok((mode, row.try_get(1)?, row.try_get(2)?))
    };
    rows.iter().map(count).collect()
}

/// Keeps a restriction of a school. False when [`MOST_OPEN`] of its kind are in force.
pub async fn insert(transaction: &mut Transaction, school: Uuid, new: &Restriction) -> Result<bool, Error> {
    let sql = "insert into send_restriction
                 (school_id, id, role, direction, mode, needs_all_clear, reason, authority, opened_at, ends_at)
               select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
               where (select count(*) from send_restriction r
                      where school_id = $1 and (role, direction, mode) = ($3, $4, $5) and ends_at > $9
                        and not exists (select 1 from reopening
                                        where school_id = $1 and restriction_id = r.id and confirmed_at is not null)) < $11";
    let params: [&(dyn ToSql + Sync); 11] = [
        &school,
        &new.id,
        &new.role.name(),
        &new.direction.name(),
        &new.mode.name(),
        &new.needs_all_clear,
        &new.reason,
        &new.authority,
        &new.opened_at,
        &new.ends_at,
        &MOST_OPEN,
    ];
    Ok(transaction.execute(sql, &params).await? == 1)
}

/// What somebody has asked for last, after a moment, if nobody has confirmed it.
pub async fn find_asked(
    transaction: &mut Transaction,
    school: Uuid,
    id: Uuid,
    after: DateTime<Utc>,
) -> Result<Option<Asked>, Error> {
    let sql = "select to_jsonb(mode), asked_by, asked_at, id, confirmed_at is null from reopening
               where school_id = $1 and restriction_id = $2 and asked_at > $3 order by asked_at desc, id desc limit 1";
    let row = transaction.query_opt(sql, &[&school, &id, &after]).await?;
    row.filter(|row| row.get(4)).as_ref().map(asked).transpose()
}

/// Keeps what somebody asks for.
pub async fn ask(transaction: &mut Transaction, school: Uuid, id: Uuid, asked: &Asked) -> Result<(), Error> {
    let sql = "insert into reopening (school_id, restriction_id, id, asked_at, mode, asked_by)
               values ($1, $2, $3, $4, $5, $6)";
    let params: [&(dyn ToSql + Sync); 6] =
        [&school, &id, &asked.id, &asked.at, &asked.mode.name(), &asked.by];
    transaction.execute(sql, &params).await.map(|_| ())
}

/// Lets it count. The schema refuses whoever asked.
pub async fn confirm(
    transaction: &mut Transaction,
    school: Uuid,
    id: Uuid,
    asked: &Asked,
    (person, now): (Uuid, DateTime<Utc>),
) -> Result<(), Error> {
    let sql = "update reopening set confirmed_by = $4, confirmed_at = $5
               where school_id = $1 and restriction_id = $2 and id = $3";
    transaction.execute(sql, &[&school, &id, &asked.id, &person, &now]).await.map(|_| ())
}

/// Keeps an all-clear.
pub async fn insert_all_clear(
    transaction: &mut Transaction,
    school: Uuid,
    (now, person): (DateTime<Utc>, Uuid),
    authority: &str,
) -> Result<(), Error> {
    let sql = "insert into all_clear (school_id, given_at, given_by, authority) values ($1, $2, $3, $4)
               on conflict do nothing";
    transaction.execute(sql, &[&school, &now, &person, &authority]).await.map(|_| ())
}

/// The last all-clear of a school, of its own or of all schools.
pub async fn find_all_clear(
    transaction: &mut Transaction,
    school: Uuid,
) -> Result<Option<DateTime<Utc>>, Error> {
    let sql = "select max(given_at) from all_clear where school_id in ($1, $2)";
    Ok(transaction.query_one(sql, &[&school, &EVERYWHERE]).await?.get(0))
}

fn asked(row: &Row) -> Result<Asked, Error> {
    let Json(mode) = row.try_get(0)?;
    Ok(Asked { mode, by: row.get(1), at: row.get(2), id: row.get(3) })
}
