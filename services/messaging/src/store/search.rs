//! Settles how words are found in one's own mailbox: in the newest messages one by one, in the others by the index of all words.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::pg::{Error, Reader, Row};
use utoipa::ToSchema;
use uuid::Uuid;

use super::thread::subject;
use crate::domain::support_text;

/// Messages received, and as many sent, of each school that are looked at one by one for a page.
pub const LOOKED_AT: i64 = 2_000;
/// Messages of the searcher's schools with these words that the index may name; with more of them, it is asked no further.
pub const MOST_NAMED: i64 = 5_000;
/// People of the searcher's schools that one word may name.
const MOST_PEOPLE: i64 = 500;

/// A message that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundMessage {
    /// The message.
    pub id: Uuid,
    thread_id: Uuid,
    school_id: Uuid,
    subject: String,
    /// Absent until the directory has told it.
    sender_name: Option<String>,
    sent_at: DateTime<Utc>,
    /// How the text begins.
    beginning: String,
}

/// What is asked of one person's mailbox.
pub struct Question<'a> {
    /// Their schools.
    pub schools: &'a [Uuid],
    /// Who.
    pub person_id: Uuid,
    /// Older than this message.
    pub after: Uuid,
    /// As `find_terms` gave them.
    pub terms: &'a str,
    /// Most messages.
    pub limit: i64,
}

/// What a person is shown of the messages `f`.
fn shown(found: &str, person: &str) -> String {
    format!(
        "select m.id, m.thread_id, m.school_id, {}, p.given_name || ' ' || p.family_name, m.sent_at, left(m.body, 200)
         from ({found}) f
         join message m on m.school_id = f.school_id and m.id = f.id
         join thread t on t.school_id = m.school_id and t.id = m.thread_id
         left join directory.person p on p.id = m.sender_id
         order by m.id desc",
        subject(person)
    )
}

/// What to look for: each word in the text, or the sender with such a name in one of these schools. `None` when no word is left,
/// because all of them are in every text.
pub async fn find_terms(
    reader: &mut Reader,
    schools: &[Uuid],
    words: &[&str],
) -> Result<Option<String>, Error> {
    let sql = "select string_agg('(' || term || ')', '&')
               from unnest($2::text[]) as word(text)
               cross join lateral (
                   select string_agg(quote_literal('=p' || id), '|') as senders
                   from (select p.id from directory.person p
                         where to_tsvector('person_name', p.given_name || ' ' || p.family_name)
                               @@ plainto_tsquery('person_name', word.text)
                           and exists (select 1 from directory.membership m
                                       where m.school_id = any($1) and m.person_id = p.id)
                         limit $3) named) n
               cross join lateral (
                   select nullif(concat_ws('|', nullif(plainto_tsquery('mailbox', word.text)::text, ''), n.senders), '') as term) t
               where term is not null";
    Ok(reader.query_one(sql, &[&schools, &words, &MOST_PEOPLE]).await?.get(0))
}

/// What is found among the newest [`LOOKED_AT`] messages of the mailbox, newest first.
pub async fn list_newest(reader: &mut Reader, question: &Question<'_>) -> Result<Vec<FoundMessage>, Error> {
    let sql = shown(
        "select found.* from unnest($1::uuid[]) as school(id)
         cross join lateral (
             select m.school_id, m.id
             from ((select message_id as id from delivery
                    where school_id = school.id and recipient_id = $2 and message_id < $3
                    order by message_id desc limit $6)
                   union all
                   (select id from message
                    where school_id = school.id and sender_id = $2 and id < $3 and state <> 'recalled'
                    order by id desc limit $6)) mine
             join message_words w on w.school_id = school.id and w.message_id = mine.id and w.words @@ $4::text::tsquery
             join message m on m.school_id = school.id and m.id = mine.id
                           and (m.state = 'visible' or m.sender_id = $2 and m.state <> 'recalled')
             order by mine.id desc limit $5) found
         order by found.id desc limit $5",
        "$2",
    );
    let Question { schools, person_id, after, terms, limit } = question;
    let rows = reader.query(&sql, &[schools, person_id, after, terms, limit, &LOOKED_AT]).await?;
    Ok(rows.iter().map(found).collect())
}

/// Where [`list_newest`] stopped looking, as `store::delivery::find_reached` does of the inbox.
pub async fn find_reached(reader: &mut Reader, question: &Question<'_>) -> Result<Option<Uuid>, Error> {
    let sql = "select reached.id from unnest($1::uuid[]) as school(id)
               cross join lateral (
                   (select message_id as id from delivery
                    where school_id = school.id and recipient_id = $2 and message_id < $3
                    order by message_id desc offset $4::bigint - 1 limit 1)
                   union all
                   (select id from message
                    where school_id = school.id and sender_id = $2 and id < $3 and state <> 'recalled'
                    order by id desc offset $4::bigint - 1 limit 1)) reached
               order by reached.id desc limit 1";
    let Question { schools, person_id, after, .. } = question;
    let row = reader.query_opt(sql, &[schools, person_id, after, &LOOKED_AT]).await?;
    Ok(row.map(|row| row.get(0)))
}

/// How many messages of the schools the index names, counted up to one more than [`MOST_NAMED`].
pub async fn count_named(reader: &mut Reader, question: &Question<'_>) -> Result<i64, Error> {
    let sql = format!("select count(*) from ({NAMED} limit $3) named");
    let most = MOST_NAMED + 1;
    Ok(reader.query_one(&sql, &[&question.schools, &question.terms, &most]).await?.get(0))
}

/// What the index names, of it what is in the mailbox, newest first.
pub async fn list_named(reader: &mut Reader, question: &Question<'_>) -> Result<Vec<FoundMessage>, Error> {
    let named = format!(
        "select m.school_id, m.id
         from ({NAMED} limit $6) named
         join message m on m.school_id = named.school_id and m.id = named.message_id
         where m.id < $4 and (m.sender_id = $3 and m.state <> 'recalled'
               or m.state = 'visible' and exists (
                   select 1 from delivery d
                   where d.school_id = m.school_id and d.recipient_id = $3 and d.message_id = m.id))
         order by m.id desc limit $5"
    );
    let sql = shown(&named, "$3");
    let Question { schools, person_id, after, terms, limit } = question;
    let rows = reader.query(&sql, &[schools, terms, person_id, after, limit, &MOST_NAMED]).await?;
    Ok(rows.iter().map(found).collect())
}

/// The messages of the schools `$1` with the terms `$2`, in no order.
const NAMED: &str = "select w.school_id, w.message_id from message_words w
    where w.words @@ ((select string_agg(quote_literal('=s' || id), '|') from unnest($1::uuid[]) as school(id))::tsquery
                      && $2::text::tsquery)";

fn found(row: &Row) -> FoundMessage {
    FoundMessage {
        id: row.get(0),
        thread_id: row.get(1),
        school_id: row.get(2),
        subject: support_text::subject(row.get(3)),
        sender_name: row.get(4),
        sent_at: row.get(5),
        beginning: row.get(6),
    }
}
