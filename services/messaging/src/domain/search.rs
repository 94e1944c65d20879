//! Settles how one's own mailbox is searched: all of the words, in subject, text or sender's name, newest first, in bounded time.
//!
//! The newest messages are looked at one by one, which finds frequent words at once and is all there is to most mailboxes. Below
//! them the index of all words is asked, which names few messages for rare words. A word that is frequent in the school and rare in
//! this mailbox is looked for further down with the next page.

use serde::Serialize;
use shared::context::Context;
use shared::pg::{self, Database, Reader, Work};
use shared::session::Claims;
use utoipa::ToSchema;
use uuid::Uuid;

use super::page::Wanted;
use crate::error::{Error, MailboxError};
use crate::store;
use crate::store::search::{FoundMessage, MOST_NAMED, Question};

/// More words than these are not looked for.
const MOST_WORDS: usize = 10;

/// A page of what was found, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchPage {
    /// It may be fewer than asked for, and none, on a page that is not the last.
    messages: Vec<FoundMessage>,
    /// Pass it as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// A page of the messages that the caller received or sent, with all of the words of `text`.
pub async fn search(
    database: &Database,
    context: &Context,
    caller: &Claims,
    text: &str,
    wanted: &Wanted,
) -> Result<SearchPage, Error> {
    let words: Vec<&str> = text.split_whitespace().take(MOST_WORDS).collect();
    let schools = caller.schools();
    let mut reader = database.reader(context, Work::Deferrable).await.map_err(MailboxError::Search)?;
    let terms =
        store::search::find_terms(&mut reader, &schools, &words).await.map_err(MailboxError::Search)?;
    let terms = terms.ok_or(MailboxError::NothingToSearch)?;
    let (schools, limit) = (schools.as_slice(), wanted.sought());
    let question = Question { schools, person_id: caller.sub, after: wanted.after(), terms: &terms, limit };
    Ok(find(&mut reader, question, wanted).await.map_err(MailboxError::Search)?)
}

async fn find(reader: &mut Reader, question: Question<'_>, wanted: &Wanted) -> Result<SearchPage, pg::Error> {
    let mut messages = store::search::list_newest(reader, &question).await?;
    if let Some(next) = wanted.cut(&mut messages, |message| message.id) {
        return Ok(SearchPage { messages, next: Some(next) });
    }
    let Some(reached) = store::search::find_reached(reader, &question).await? else {
        return Ok(SearchPage { messages, next: None });
    };
    messages.retain(|message| message.id >= reached);
    if store::search::count_named(reader, &question).await? > MOST_NAMED {
        return Ok(SearchPage { messages, next: Some(reached) });
    }
    let left = question.limit - i64::try_from(messages.len()).unwrap_or(question.limit);
    let below = Question { after: reached, limit: left, ..question };
    messages.extend(store::search::list_named(reader, &below).await?);
    let next = wanted.cut(&mut messages, |message| message.id);
    Ok(SearchPage { messages, next })
}
