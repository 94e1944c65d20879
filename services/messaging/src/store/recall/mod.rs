//! Settles how messages are withdrawn: chosen, covered by a recall and hidden in one statement, whatever their number of copies.
//!
//! What quotes a chosen message goes with it: a message that names it as quoted, and one further down its thread that has its
//! whole text in it (`domain::repeats`). A send that quotes holds the quoted row until it commits (`store::message::hold_quoted`), and the statement
//! here is repeated until it finds nothing new: so a forward is either found, or finds what it quotes withdrawn.

pub mod alike;
mod decision;
mod repeats;
mod view;

use chrono::{DateTime, Utc};
use shared::pg::{Error, Json, Row, ToSql, Transaction};
use uuid::Uuid;

use crate::domain::recall::{Extent, Selector};
pub use decision::{Asked, ask, confirm, decide, find_asked, find_quarantine, restore};
pub use repeats::{Text, list_repeating, list_texts};
pub use view::{ReaderOf, Recall, list_latest, list_readers};

/// "rcll" and "rprv" in ASCII: numbers of locks are shared with everything else in the database.
const RECALLING: i32 = 0x7263_6c6c;
const PREVIEWING: i32 = 0x7270_7276;

/// What is withdrawn together.
pub struct NewRecall<'a> {
    /// Its id in each school.
    pub id: Uuid,
    /// Which messages.
    pub selector: &'a Selector,
    /// What was found where the selector is of like texts: [`alike`].
    pub alike: &'a [Uuid],
    /// In this school only.
    pub school_id: Option<Uuid>,
    /// Why.
    pub reason: &'a str,
    /// Who demanded it.
    pub authority: &'a str,
    /// Whom recipients are to ask.
    pub contact: Option<&'a str>,
    /// Which incident it belongs to, if any.
    pub incident_id: Option<Uuid>,
    /// Who asked for it, where that was not an operator.
    pub asked_by: Option<Uuid>,
    /// When.
    pub hidden_at: DateTime<Utc>,
}

/// Recalls of a school, or of all schools, are made and decided one after the other, until the transaction ends.
pub async fn alone(transaction: &mut Transaction, school_id: Option<Uuid>) -> Result<(), Error> {
    let of_one = "select pg_advisory_xact_lock_shared($1, hashtext('')),
                         pg_advisory_xact_lock($1, hashtext($2::uuid::text))";
    let of_all = "select pg_advisory_xact_lock($1, hashtext('')) where $2::uuid is null";
    let sql = if school_id.is_some() { of_one } else { of_all };
    transaction.query(sql, &[&RECALLING, &school_id]).await.map(|_| ())
}

/// Whether no other preview of the school, or of all schools, is under way; until the transaction ends there is none now.
pub async fn begin_preview(transaction: &mut Transaction, school_id: Option<Uuid>) -> Result<bool, Error> {
    let sql = "select pg_try_advisory_xact_lock($1, hashtext(coalesce($2::uuid::text, '')))";
    Ok(transaction.query_one(sql, &[&PREVIEWING, &school_id]).await?.get(0))
}

/// What every selection is given: `$1` school, `$2` ids (of like texts: pairs of a school and a message), `$3` since, `$4` until,
/// `$5` roles, `$6` what repeats a text of it: pairs of a school and a message.
struct Given {
    school_id: Option<Uuid>,
    ids: Vec<Uuid>,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    roles: Vec<&'static str>,
    repeating: Vec<Uuid>,
}

impl Given {
    fn of(selector: &Selector, (alike, repeating): (&[Uuid], &[Uuid]), school_id: Option<Uuid>) -> Self {
        let (ids, since, until, roles) = match selector {
            Selector::Senders { ids, since, until } => (ids.clone(), Some(*since), *until, vec![]),
            Selector::Window { since, until, roles } => {
                (vec![], Some(*since), *until, roles.iter().map(|role| role.name()).collect())
            }
            Selector::Alike { .. } => (alike.to_vec(), None, None, vec![]),
            Selector::Messages { ids } => (ids.clone(), None, None, vec![]),
        };
        Self { school_id, ids, since, until, roles, repeating: repeating.to_vec() }
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 6] {
        [&self.school_id, &self.ids, &self.since, &self.until, &self.roles, &self.repeating]
    }
}

/// Those that are chosen themselves. Without an end, all that is committed: clocks of instances differ.
fn selected(selector: &Selector) -> &'static str {
    match selector {
        Selector::Senders { .. } => {
            "select m.school_id, m.id, false from message m
             where m.sender_id = any($2::uuid[]) and m.sent_at >= $3::timestamptz
               and m.sent_at < coalesce($4::timestamptz, 'infinity')
               and ($1::uuid is null or m.school_id = $1) and $5::text[] is not null"
        }
        Selector::Window { .. } => {
            "select m.school_id, m.id, false from message m
             where m.school_id = $1::uuid and m.sent_at >= $3::timestamptz
               and m.sent_at < coalesce($4::timestamptz, 'infinity') and $2::uuid[] is not null
               and (cardinality($5::text[]) = 0
                    or (select count(*) > 0 and bool_and(p.role = any($5)) from directory.membership p
                        where p.school_id = m.school_id and p.person_id = m.sender_id))"
        }
        Selector::Alike { .. } => {
            "select m.school_id, m.id, false
             from (select ($2::uuid[])[n] as school_id, ($2::uuid[])[n + 1] as id
                   from generate_series(1, cardinality($2::uuid[]), 2) n) a
             join message m on m.school_id = a.school_id and m.id = a.id
             where ($1::uuid is null or m.school_id = $1)
               and coalesce($3::timestamptz, $4::timestamptz) is null and $5::text[] is not null"
        }
        Selector::Messages { .. } => {
            "select m.school_id, m.id, false from message m
             where m.school_id = $1::uuid and m.id = any($2::uuid[])
               and coalesce($3::timestamptz, $4::timestamptz) is null and $5::text[] is not null"
        }
    }
}

/// Those that the recall `$7` covers so far in the schools of `$2`.
const COVERED: &str = "select c.school_id, c.message_id, c.cause = 'quoting' from recall_message c
    where c.school_id = any($2::uuid[]) and c.recall_id = $7 and $1::uuid is null
      and coalesce($3::timestamptz, $4::timestamptz) is null and $5::text[] is not null";

/// `chosen`: (school, message, whether it only quotes): a selection, what repeats a text of it, and what names any of these as
/// quoted. Each message is come to once, however often it is quoted.
fn chosen(selection: &str) -> String {
    format!(
        "with recursive seed (school_id, id, is_quoting) as (
             {selection}
             union all
             select ($6::uuid[])[n], ($6::uuid[])[n + 1], true from generate_series(1, cardinality($6::uuid[]), 2) n),
         found (school_id, id) as (
             select school_id, id from seed
             union
             select n.school_id, n.id from found f
             join message n on n.school_id = f.school_id and n.quotes_id = f.id),
         chosen as (
             select school_id, id, bool_and(is_quoting) as is_quoting
             from (select school_id, id, true as is_quoting from found union all select * from seed) one group by 1, 2)"
    )
}

/// What a selector would concern, by schools.
pub async fn count(
    transaction: &mut Transaction,
    (selector, alike, repeating): (&Selector, &[Uuid], &[Uuid]),
    school_id: Option<Uuid>,
) -> Result<Vec<Extent>, Error> {
    let sql = format!(
        "{} select c.school_id, count(*), count(*) filter (where c.is_quoting), sum(m.recipient_count)::bigint,
                   sum((select count(*) from delivery d
                        where d.school_id = m.school_id and d.message_id = m.id and d.read_at is not null))::bigint
            from chosen c join message m on m.school_id = c.school_id and m.id = c.id
            group by 1 order by 1",
        chosen(selected(selector))
    );
    let given = Given::of(selector, (alike, repeating), school_id);
    Ok(transaction.query(&sql, &given.params()).await?.iter().map(extent).collect())
}

/// Hides what is chosen, up to `most` messages, unless `is_ablated`. Returns how many there were.
pub async fn hide(
    transaction: &mut Transaction,
    new: &NewRecall<'_>,
    most: i64,
    is_ablated: bool,
) -> Result<i64, Error> {
    let given = Given::of(new.selector, (new.alike, &[]), new.school_id);
    hide_chosen(transaction, &chosen(selected(new.selector)), &given, new, most, is_ablated).await
}

/// The same for what repeats a text of the recall, and for what quotes anything that it covers and was not found before.
pub async fn hide_quoting(
    transaction: &mut Transaction,
    (new, repeating): (&NewRecall<'_>, &[Uuid]),
    most: i64,
    is_ablated: bool,
) -> Result<i64, Error> {
    let given = covered(transaction, new.id, repeating).await?;
    hide_chosen(transaction, &chosen(COVERED), &given, new, most, is_ablated).await
}

/// What [`COVERED`] is given.
async fn covered(transaction: &mut Transaction, id: Uuid, repeating: &[Uuid]) -> Result<Given, Error> {
    let schools = "select coalesce(array_agg(school_id), '{}') from recall where id = $1";
    let ids: Vec<Uuid> = transaction.query_one(schools, &[&id]).await?.get(0);
    let repeating = repeating.to_vec();
    Ok(Given { school_id: None, ids, since: None, until: None, roles: vec![], repeating })
}

async fn hide_chosen(
    transaction: &mut Transaction,
    chosen: &str,
    given: &Given,
    new: &NewRecall<'_>,
    most: i64,
    is_ablated: bool,
) -> Result<i64, Error> {
    // Rows are locked in one order, as the last word on their state is whoever held them before.
    let sql = format!(
        "{chosen},
         fresh as materialized (
             select m.school_id, m.id, m.state, c.is_quoting from chosen c
             join message m on m.school_id = c.school_id and m.id = c.id
             where not exists (select 1 from recall_message r
                               where r.school_id = m.school_id and r.recall_id = $7 and r.message_id = m.id)
             order by m.school_id, m.id limit $8 for update of m),
         begun as (
             insert into recall (school_id, id, selector, reason, authority, contact, incident_id, asked_by, hidden_at)
             select distinct school_id, $7::uuid, $10::jsonb, $11, $12, $13, $14::uuid, $15::uuid, $16::timestamptz from fresh
             on conflict do nothing),
         covered as (
             insert into recall_message (school_id, recall_id, message_id, cause, state_before)
             select f.school_id, $7, f.id, case when f.is_quoting then 'quoting' else 'selected' end,
                    case when f.state <> 'recalled' then f.state
                         else coalesce((select min(b.state_before) from recall_message b
                                        join recall r on r.school_id = b.school_id and r.id = b.recall_id
                                        where b.school_id = f.school_id and b.message_id = f.id
                                          and r.state <> 'restored'), 'visible') end
             from fresh f),
         hidden as (
             update message m set state = 'recalled' from fresh f
             where m.school_id = f.school_id and m.id = f.id and m.state <> 'recalled' and not $9::boolean)
         select count(*) from fresh"
    );
    let selector = Json(new.selector);
    let rest: [&(dyn ToSql + Sync); 10] = [
        &new.id,
        &most,
        &is_ablated,
        &selector,
        &new.reason,
        &new.authority,
        &new.contact,
        &new.incident_id,
        &new.asked_by,
        &new.hidden_at,
    ];
    let params: Vec<&(dyn ToSql + Sync)> = given.params().into_iter().chain(rest).collect();
    Ok(transaction.query_one(&sql, &params).await?.get(0))
}

/// Counts what a recall covers, keeps the counts with it, and returns them by schools.
pub async fn settle(transaction: &mut Transaction, id: Uuid) -> Result<Vec<Extent>, Error> {
    let sql = "with counted as (
                   select r.school_id, count(*) as messages, count(*) filter (where c.cause = 'quoting') as quoting,
                          sum(m.recipient_count)::bigint as copies,
                          sum((select count(*) from delivery d where d.school_id = m.school_id
                               and d.message_id = m.id and d.read_at is not null))::bigint as read
                   from recall r
                   join recall_message c on c.school_id = r.school_id and c.recall_id = r.id
                   join message m on m.school_id = c.school_id and m.id = c.message_id
                   where r.id = $1 group by 1)
               update recall r set message_count = c.messages, copy_count = c.copies, read_count = c.read
               from counted c where r.school_id = c.school_id and r.id = $1
               returning c.school_id, c.messages, c.quoting, c.copies, c.read";
    let mut extents: Vec<Extent> = transaction.query(sql, &[&id]).await?.iter().map(extent).collect();
    extents.sort_by_key(|extent| extent.school_id);
    Ok(extents)
}

fn extent(row: &Row) -> Extent {
    Extent {
        school_id: row.get(0),
        messages: row.get(1),
        quoting: row.get(2),
        copies: row.get(3),
        read: row.get(4),
    }
}
