//! Settles what a person sees of messages: those delivered to them and those they sent, while they are visible.

use serde::Serialize;
use shared::context::Context;
use shared::pg::{Database, Work};
use shared::session::Claims;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::store;
use crate::store::delivery::InboxMessage;
use crate::store::thread::ThreadMessage;

/// A page of the inbox, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxPage {
    messages: Vec<InboxMessage>,
    /// Pass it as `before` for the next page; absent on the last.
    next: Option<Uuid>,
}

/// A thread as one person sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThreadView {
    id: Uuid,
    subject: String,
    /// The newest 100 messages, oldest first.
    messages: Vec<ThreadMessage>,
}

/// One page of the inbox.
pub async fn inbox(
    database: &Database,
    context: &Context,
    caller: &Claims,
    before: Option<Uuid>,
    limit: u32,
) -> Result<InboxPage, Error> {
    let mut reader = database.read(context).await?;
    let limit = i64::from(limit);
    // Uuid::max() sorts after every id, so the first page is a page like any other.
    let before = before.unwrap_or(Uuid::max());
    let messages =
        store::delivery::list_inbox(&mut reader, &caller.schools(), caller.sub, before, limit).await?;
    let is_full = i64::try_from(messages.len()).is_ok_and(|length| length == limit);
    let next = messages.last().map(|message| message.id).filter(|_| is_full);
    Ok(InboxPage { messages, next })
}

/// A thread that the caller has part in.
pub async fn thread(
    database: &Database,
    context: &Context,
    caller: &Claims,
    id: Uuid,
) -> Result<ThreadView, Error> {
    let mut reader = database.read(context).await?;
    let (subject, messages) =
        store::thread::find_view(&mut reader, &caller.schools(), caller.sub, id, context.clock().utc())
            .await?
            .ok_or(Error::ThreadNotFound)?;
    Ok(ThreadView { id, subject, messages })
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
