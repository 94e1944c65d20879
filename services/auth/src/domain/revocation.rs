//! Settles how sessions are revoked: committed and audited in one transaction, then told to every instance at once.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::audit::{self, Actor, Entry};
use shared::clock::SharedClock;
use shared::context::Context;
use shared::pg::{self, Database, Transaction, Work};
use shared::session::{KEPT, News, RevocationView, Scope, Streams, Unanswered};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::error::Error;
use crate::store;
use crate::store::revocation::Raised;

/// What an act revokes.
#[derive(Debug, Clone)]
pub enum Target {
    /// All sessions of these people.
    Accounts(Vec<Uuid>),
    /// One session, membership, role of a school, or school.
    One(Scope),
}

/// Who revokes what, and why.
pub struct Act {
    /// What.
    pub target: Target,
    /// Who.
    pub actor: Actor,
    /// Who demanded it, where somebody outside did.
    pub authority: Option<String>,
    /// What else the audit log keeps of it: `{"reason": …}`.
    pub details: Value,
}

/// Revokes, and tells. Cloning shares it.
#[derive(Clone)]
pub struct Revocations {
    database: Database,
    streams: Streams,
    view: RevocationView,
    clock: SharedClock,
    wanted: watch::Sender<()>,
}

/// How often each stream is told where the database is.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Time for one telling.
const TELL_LIMIT: Duration = Duration::from_secs(2);
/// Longest life of a session that a configuration can ask for, and a day.
const OLDEST_SESSION: TimeDelta = TimeDelta::days(31);
/// How often what is older is deleted.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

impl Revocations {
    /// Tells through `streams`, and knows itself by `view`.
    pub fn new(database: Database, streams: Streams, view: RevocationView, clock: SharedClock) -> Self {
        Self { database, streams, view, clock, wanted: watch::Sender::new(()) }
    }

    /// Where it is committed.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// What this instance knows.
    pub fn view(&self) -> &RevocationView {
        &self.view
    }

    /// Revokes. When this returns it is durable, and known here; everywhere else within a second.
    pub async fn revoke(&self, context: &Context, act: &Act) -> Result<Raised, Error> {
        let mut transaction = self.database.begin(context, Work::Write).await?;
        let raised = revoke_in(&mut transaction, act).await?;
        transaction.commit().await?;
        self.announce(context).await;
        Ok(raised)
    }

    /// To be called after the commit of whatever revoked: what was committed is known here, and told without delay.
    pub async fn announce(&self, context: &Context) {
        self.wanted.send_replace(());
        // The worker learns it too: a failure here costs this instance a moment.
        let mut as_of_ms = self.view.now_ms();
        while let Ok(news) = self.news(context, Some(self.view.applied())).await {
            self.view.learn(&news, as_of_ms);
            if !news.has_more() {
                break;
            }
            as_of_ms = self.view.now_ms();
        }
    }

    /// What was revoked after an epoch; `None` for where the counter is.
    pub async fn news(&self, context: &Context, after: Option<i64>) -> Result<News, pg::Error> {
        // The primary, in a pool that neither a surge of sign-ins nor background work fills.
        let mut reader = self.database.reader(context, Work::Write).await?;
        store::revocation::news(&mut reader, after, self.clock.utc() - KEPT).await
    }

    /// The same, as a follower asks it.
    pub async fn ask(self, context: Context, after: i64) -> Result<News, Unanswered> {
        Ok(self.news(&context, Some(after)).await?)
    }

    /// The workers that tell, one for each stream: safe to run in every instance, what one has told no other repeats.
    pub async fn tell(self, stream: usize, stop: CancellationToken) {
        let mut wanted = self.wanted.subscribe();
        let mut is_away = false;
        loop {
            let outcome = self.tell_once(stream).await;
            match &outcome {
                Ok(true) => continue,
                Err(error) if !is_away => {
                    tracing::warn!(%error, stream, "revocations are not told on this stream; instances ask for them");
                }
                Ok(false) | Err(_) => {}
            }
            is_away = outcome.is_err();
            tokio::select! {
                _ = wanted.changed() => {}
                () = tokio::time::sleep(HEARTBEAT) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Tells one page. Returns whether there is more.
    async fn tell_once(&self, stream: usize) -> Result<bool, Error> {
        let context = Context::background(self.clock.clone(), TELL_LIMIT);
        let Some(key) = self.streams.keys().get(stream) else { return Ok(false) };
        let mark = self.streams.mark(&context, key).await?;
        let news = self.news(&context, mark.told).await?;
        self.streams.append(&context, key, mark, &news).await?;
        Ok(news.has_more())
    }

    /// The worker that deletes what no session can be as old as.
    pub async fn sweep(self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.sweep_once().await {
                tracing::warn!(%error, "old revocations could not be deleted");
            }
            tokio::select! {
                () = tokio::time::sleep(SWEEP_EVERY) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn sweep_once(&self) -> Result<(), pg::Error> {
        let context = Context::background(self.clock.clone(), Duration::from_secs(30));
        let mut transaction = self.database.begin(&context, Work::Background).await?;
        store::revocation::delete_before(&mut transaction, self.clock.utc() - OLDEST_SESSION).await?;
        transaction.commit().await
    }
}

/// Revokes in a transaction that does more. After its commit [`Revocations::announce`] is due.
pub async fn revoke_in(transaction: &mut Transaction, act: &Act) -> Result<Raised, Error> {
    let at = transaction.context().clock().utc();
    let raised = match &act.target {
        Target::Accounts(people) => store::revocation::insert_accounts(transaction, people, at).await?,
        Target::One(Scope::Account { person }) => {
            store::revocation::insert_accounts(transaction, &[*person], at).await?
        }
        Target::One(
            scope @ (Scope::Session { .. }
            | Scope::Membership { .. }
            | Scope::Role { .. }
            | Scope::School { .. }),
        ) => store::revocation::insert(transaction, *scope, at).await?,
    };
    audit::append(transaction, &entry(act, raised)).await?;
    Ok(raised)
}

/// The log names one by one who is revoked one by one; of many it keeps how many, and the epochs under which the table
/// of revocations names them.
fn entry(act: &Act, raised: Raised) -> Entry {
    let subject = match &act.target {
        Target::Accounts(people) => match people.as_slice() {
            [person] => format!("account:{person}"),
            _ => "accounts".to_owned(),
        },
        Target::One(Scope::Session { sid }) => format!("session:{sid}"),
        Target::One(Scope::Account { person }) => format!("account:{person}"),
        Target::One(Scope::Membership { school, person, role }) => {
            format!("membership:{school}:{person}:{}", role.name())
        }
        Target::One(Scope::Role { school, role }) => format!("role:{school}:{}", role.name()),
        Target::One(Scope::School { school }) => format!("school:{school}"),
    };
    let Raised { count, epoch } = raised;
    let mut details = json!({ "count": count, "last_epoch": epoch, "of": act.details });
    // What was done in an incident is found by its name, wherever it was done.
    if let (Some(incident), Some(details)) = (act.details.get("incident"), details.as_object_mut()) {
        details.insert("incident".to_owned(), incident.clone());
    }
    Entry { actor: act.actor, act: "sessions_revoked", subject, authority: act.authority.clone(), details }
}
