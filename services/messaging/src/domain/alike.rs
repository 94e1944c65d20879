//! Settles which messages are like one that a recall names, and which withdrawn texts are held when they come again.
//!
//! Texts are compared one with one, as the judgement of a send does, so a campaign is found in every school and however long ago
//! its first message was. Nobody waits meanwhile; then sends are held back, what was sent since is compared, and the recall commits.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use shared::pg::Transaction;
use uuid::Uuid;

use super::recall::Selector;
use crate::error::{Error, RecallError};
use crate::store;
use crate::store::text::Kind;

/// Most texts of a school that one recall compares: 256 bytes each.
const MOST_COMPARED: i64 = 100_000;
/// Of how many messages of a recall the texts are remembered: the newest.
const MOST_TAUGHT: i64 = 64;

/// What was sent so long before the first look began may have been committed after it: sends and clocks differ by less.
const OVERLAP: TimeDelta = TimeDelta::minutes(1);

/// What a selector of like texts means: the school and the id of each message. Nothing for other selectors.
pub async fn find(
    transaction: &mut Transaction,
    selector: &Selector,
    school: Option<Uuid>,
) -> Result<Vec<Uuid>, Error> {
    find_since(transaction, selector, school, DateTime::UNIX_EPOCH).await
}

/// The same with what has come since it was found, once no send is under way.
pub async fn find_rest(
    transaction: &mut Transaction,
    selector: &Selector,
    school: Option<Uuid>,
    (mut found, began): (Vec<Uuid>, DateTime<Utc>),
) -> Result<Vec<Uuid>, Error> {
    found.extend(find_since(transaction, selector, school, began - OVERLAP).await?);
    Ok(found)
}

async fn find_since(
    transaction: &mut Transaction,
    selector: &Selector,
    school: Option<Uuid>,
    after: DateTime<Utc>,
) -> Result<Vec<Uuid>, Error> {
    let Selector::Alike { message_id, since, until } = selector else { return Ok(Vec::new()) };
    let text = store::recall::alike::find_text(transaction, school, *message_id).await?;
    let named = text.ok_or(RecallError::Bad("message_id: there is no such message here"))?;
    let named = named.ok_or(RecallError::Bad(
        "message_id: its text is too short to find others by; name senders, messages or a window",
    ))?;
    let mut found = Vec::new();
    for school in store::recall::alike::list_schools(transaction, school).await? {
        let window = (after.max(*since), *until);
        let texts = store::recall::alike::list_texts(transaction, school, window, MOST_COMPARED).await?;
        if i64::try_from(texts.len()).is_ok_and(|count| count >= MOST_COMPARED) {
            return Err(RecallError::TooLarge.into());
        }
        let like = texts.iter().filter(|(id, text)| id == message_id || text.is_similar(&named));
        found.extend(like.flat_map(|(id, _)| [school, *id]));
    }
    Ok(found)
}

/// Remembers the texts of a recall as refused ones, so that they are held when they come again: those of one school, or of all.
pub async fn remember(
    transaction: &mut Transaction,
    school: Option<Uuid>,
    recall: Uuid,
) -> Result<(), Error> {
    let newest = store::recall::alike::list_newest(transaction, school, recall, false, MOST_TAUGHT).await?;
    let schools: BTreeSet<Uuid> = newest.iter().map(|(school, _)| *school).collect();
    for school in schools {
        let ids = newest.iter().filter(|(of, _)| *of == school).map(|(_, id)| *id);
        store::text::insert_decision(transaction, school, &ids.collect::<Vec<Uuid>>(), Kind::Refused).await?;
    }
    Ok(())
}

/// Forgets them when they are shown again, in one school or in all; what another recall hides stays remembered.
pub async fn forget(transaction: &mut Transaction, school: Option<Uuid>, recall: Uuid) -> Result<(), Error> {
    let shown = store::recall::alike::list_newest(transaction, school, recall, true, MOST_TAUGHT).await?;
    for (school, id) in shown {
        store::text::delete_refusal(transaction, school, id).await?;
    }
    Ok(())
}
