//! Settles how people see where they are signed in, and end one session or all of them.

use serde::Serialize;
use serde_json::json;
use shared::audit::Actor;
use shared::context::Context;
use shared::pg::Work;
use shared::session::{Claims, Scope};
use utoipa::ToSchema;
use uuid::Uuid;

use super::revocation::{Act, Target, revoke_in};
use super::security_event::{Kind, Seen};
use super::session::Sessions;
use crate::error::Error;
use crate::store;

/// Sessions that are listed at most.
const MOST_LISTED: i64 = 100;

/// A session, for people to know their device again.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnSession {
    /// The session.
    id: Uuid,
    /// Family of the browser and system, such as `Firefox, Android`; `?` when it says nothing known.
    browser: String,
    /// When the person signed in there.
    signed_in_at: chrono::DateTime<chrono::Utc>,
    /// When it was used last, within the life of an access token.
    used_at: chrono::DateTime<chrono::Utc>,
    /// When it ends, whatever happens.
    ends_at: chrono::DateTime<chrono::Utc>,
    /// Whether it is the one that asks.
    is_this: bool,
}

/// Where the caller is signed in, the last used first. A session that was opened just now may be missing for a moment.
pub async fn list(sessions: &Sessions, context: &Context, caller: &Claims) -> Result<Vec<OwnSession>, Error> {
    let now = sessions.clock.utc();
    let mut reader = sessions.database.read(context).await?;
    let copies = store::session_copy::find_of_person(&mut reader, caller.sub, now, MOST_LISTED).await?;
    let own_session = |copy: store::session_copy::SessionCopy| OwnSession {
        is_this: copy.sid == caller.sid,
        id: copy.sid,
        browser: copy.browser,
        signed_in_at: copy.created_at,
        used_at: copy.refreshed_at,
        ends_at: copy.ends_at,
    };
    Ok(copies.into_iter().map(own_session).collect())
}

/// Ends one session of the caller: it is refused everywhere within a second.
pub async fn end_one(
    sessions: &Sessions,
    context: &Context,
    caller: &Claims,
    seen: Seen<'_>,
    sid: Uuid,
) -> Result<(), Error> {
    let mut transaction = sessions.database.begin(context, Work::Write).await?;
    if !store::session_copy::end(&mut transaction, caller.sub, sid).await? {
        return Err(Error::SessionNotFound);
    }
    revoke_in(&mut transaction, &act(caller, Target::One(Scope::Session { sid }))).await?;
    transaction.commit().await?;
    sessions.revocations.announce(context).await;
    note(sessions, Kind::SessionEnded, caller, (sid, seen));
    Ok(())
}

/// Ends every session of the caller, this one too.
pub async fn end_all(
    sessions: &Sessions,
    context: &Context,
    caller: &Claims,
    seen: Seen<'_>,
) -> Result<(), Error> {
    let mut transaction = sessions.database.begin(context, Work::Write).await?;
    store::session_copy::end_all(&mut transaction, caller.sub).await?;
    revoke_in(&mut transaction, &act(caller, Target::Accounts(vec![caller.sub]))).await?;
    transaction.commit().await?;
    sessions.revocations.announce(context).await;
    note(sessions, Kind::SessionsEnded, caller, (caller.sid, seen));
    Ok(())
}

fn note(sessions: &Sessions, kind: Kind, caller: &Claims, (sid, seen): (Uuid, Seen<'_>)) {
    let event = sessions.events.now(kind, None).in_session(sid, seen);
    sessions.events.note(event.of(caller.sub, &caller.mem));
}

fn act(caller: &Claims, target: Target) -> Act {
    let details = json!({ "reason": "by_its_person", "session": caller.sid });
    Act { target, actor: Actor::Person(caller.sub), authority: None, details }
}
