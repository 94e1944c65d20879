//! Settles what a person sees of messages: those delivered to them and those they sent, while they are visible.

use serde::Serialize;
use shared::context::Context;
use shared::pg::{Database, Reader, Work};
use shared::session::Claims;
use utoipa::ToSchema;
use uuid::Uuid;

use super::page::Wanted;
use crate::error::Error;
use crate::store;
use crate::store::delivery::InboxMessage;
use crate::store::sent::SentMessage;
use crate::store::thread::ThreadMessage;

/// How often a page goes on below what was withdrawn; then it ends with fewer messages, and says where the next one begins.
const STRETCHES: usize = 4;

/// A page of the inbox, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxPage {
    messages: Vec<InboxMessage>,
    /// Pass it as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// A page of what one sent, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentPage {
    messages: Vec<SentMessage>,
    /// Pass it as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// A thread as one person sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThreadView {
    id: Uuid,
    subject: String,
    /// The newest page, or what is older than `after`; the oldest first, as one reads.
    messages: Vec<ThreadMessage>,
    /// Pass it as `after` for older ones; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// One page of the inbox.
pub async fn inbox(
    database: &Database,
    context: &Context,
    caller: &Claims,
    wanted: &Wanted,
) -> Result<InboxPage, Error> {
    let mut reader = database.read(context).await?;
    let mut messages = Vec::new();
    let mut reached = Some(wanted.after());
    for _ in 0..STRETCHES {
        let Some(after) = reached.take() else { break };
        reached = stretch(&mut reader, caller, after, wanted, &mut messages).await?;
    }
    let next = wanted.cut(&mut messages, |message| message.id).or(reached);
    Ok(InboxPage { messages, next })
}

/// Adds what is visible of the next deliveries. Returns where they end, while the page is not full and there are more of them.
async fn stretch(
    reader: &mut Reader,
    caller: &Claims,
    after: Uuid,
    wanted: &Wanted,
    messages: &mut Vec<InboxMessage>,
) -> Result<Option<Uuid>, Error> {
    let (schools, most) = (caller.schools(), wanted.sought());
    let left = most - i64::try_from(messages.len()).unwrap_or(most);
    let found = store::delivery::list_inbox(reader, &schools, caller.sub, after, left).await?;
    let is_full = i64::try_from(found.len()).is_ok_and(|found| found >= left);
    messages.extend(found);
    if is_full {
        return Ok(None);
    }
    let reached = store::delivery::find_reached(reader, &schools, caller.sub, after).await?;
    if let Some(reached) = reached {
        // Of another school more may have been seen than of the one whose deliveries were not at their end.
        messages.retain(|message| message.id >= reached);
    }
    Ok(reached)
}

/// One page of what the caller sent.
pub async fn sent(
    database: &Database,
    context: &Context,
    caller: &Claims,
    wanted: &Wanted,
) -> Result<SentPage, Error> {
    let mut reader = database.read(context).await?;
    let asked = (context.clock().utc(), wanted.after(), wanted.sought());
    let mut messages = store::sent::list(&mut reader, &caller.schools(), caller.sub, asked).await?;
    let next = wanted.cut(&mut messages, |message| message.id);
    Ok(SentPage { messages, next })
}

/// A thread that the caller has part in.
pub async fn thread(
    database: &Database,
    context: &Context,
    caller: &Claims,
    id: Uuid,
    wanted: &Wanted,
) -> Result<ThreadView, Error> {
    let mut reader = database.read(context).await?;
    let (schools, now) = (caller.schools(), context.clock().utc());
    let found = store::thread::find_view(&mut reader, &schools, caller.sub, id, now, wanted);
    let (subject, mut messages) = found.await?.ok_or(Error::ThreadNotFound)?;
    let next = wanted.cut(&mut messages, |message| message.id);
    messages.reverse();
    Ok(ThreadView { id, subject, messages, next })
}

/// Marks everything delivered in a thread as read; again is no error.
pub async fn mark_read(
    database: &Database,
    context: &Context,
    caller: &Claims,
    id: Uuid,
) -> Result<(), Error> {
    let mut transaction = database.begin(context, Work::Write).await?;
    let now = context.clock().utc();
    if !store::delivery::update_read(&mut transaction, &caller.schools(), caller.sub, id, now).await? {
        return Err(Error::ThreadNotFound);
    }
    transaction.commit().await?;
    Ok(())
}
