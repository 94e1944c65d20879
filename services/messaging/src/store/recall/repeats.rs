//! Settles which texts are read to find what repeats a withdrawn one further down its thread, and no more of them than a recall has time for.

use shared::pg::{Error, Row, ToSql, Transaction};
use uuid::Uuid;

use super::{COVERED, Given, chosen, covered, selected};
use crate::domain::recall::Selector;
use crate::domain::repeats::MOST_READ;

/// A text of a thread in which something was chosen.
#[derive(Debug, Clone)]
pub struct Text {
    /// The school.
    pub school_id: Uuid,
    /// Its thread.
    pub thread_id: Uuid,
    /// The message.
    pub id: Uuid,
    /// Whether it is chosen already.
    pub is_chosen: bool,
    /// As it was sent.
    pub body: String,
}

/// The texts of a selection, and what follows them in their threads.
pub async fn list_texts(
    transaction: &mut Transaction,
    (selector, alike, repeating): (&Selector, &[Uuid], &[Uuid]),
    school_id: Option<Uuid>,
    compared: &[Uuid],
) -> Result<Vec<Text>, Error> {
    let given = Given::of(selector, (alike, repeating), school_id);
    list(transaction, &chosen(selected(selector)), &given, (None, compared)).await
}

/// The texts that a recall covers, and what follows them in their threads.
pub async fn list_repeating(
    transaction: &mut Transaction,
    recall_id: Uuid,
    compared: &[Uuid],
) -> Result<Vec<Text>, Error> {
    let given = covered(transaction, recall_id, &[]).await?;
    list(transaction, &chosen(COVERED), &given, (Some(recall_id), compared)).await
}

/// Of threads in which something that is not chosen comes after a chosen text that was not compared yet (`$8`), the latest first.
/// Whether a message is chosen is told by grouping, and not by looking each of 100,000 up among as many.
async fn list(
    transaction: &mut Transaction,
    chosen: &str,
    given: &Given,
    (recall_id, compared): (Option<Uuid>, &[Uuid]),
) -> Result<Vec<Text>, Error> {
    let sql = format!(
        "{chosen},
         originals as materialized (
             select o.school_id, o.thread_id, o.id, octet_length(o.body) as size
             from chosen c join message o on o.school_id = c.school_id and o.id = c.id),
         firsts as (
             select distinct on (school_id, thread_id) school_id, thread_id, id from originals
             where not id = any($8::uuid[]) order by school_id, thread_id, id),
         later as materialized (
             select t.* from firsts f cross join lateral (
                 select t.school_id, t.thread_id, t.id, octet_length(t.body) as size from message t
                 where t.school_id = f.school_id and t.thread_id = f.thread_id and t.id > f.id offset 0) t),
         marked as (
             select school_id, thread_id, id, max(size) as size, bool_or(is_chosen) as is_chosen
             from (select *, true as is_chosen from originals union all select *, false from later) one group by 1, 2, 3),
         answered as (
             select *, bool_or(not is_chosen) over (partition by school_id, thread_id) as is_answered from marked),
         sized as (
             select *, sum(size) over (order by thread_id desc, school_id, id) as total from answered where is_answered)
         select s.school_id, s.thread_id, s.id, s.is_chosen, m.body from sized s
         join message m on m.school_id = s.school_id and m.id = s.id
         where s.total <= {MOST_READ} and $7::uuid is not distinct from $7
         order by s.thread_id desc, s.school_id, s.id"
    );
    let rest: [&(dyn ToSql + Sync); 2] = [&recall_id, &compared];
    let params: Vec<&(dyn ToSql + Sync)> = given.params().into_iter().chain(rest).collect();
    Ok(transaction.query(&sql, &params).await?.iter().map(text).collect())
}

fn text(row: &Row) -> Text {
    Text {
        school_id: row.get(0),
        thread_id: row.get(1),
        id: row.get(2),
        is_chosen: row.get(3),
        body: row.get(4),
    }
}
