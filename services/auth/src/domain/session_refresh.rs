//! Settles how a session is refreshed by a handle that rotates, and what it gets while its record or its account is out of reach.

use serde_json::json;
use shared::audit::{self, Actor, Entry};
use shared::context::Context;
use shared::pg::{self, Work};
use shared::redis;
use shared::session::Membership;

use super::refresh_handle::{Method, RefreshHandle};
use super::security_event::{Kind, Seen};
use super::session::Sessions;
use super::session_lookup::{Evidence, proved_ms, stands};
use super::session_tokens::{Basis, Granted};
use crate::error::Error;
use crate::store;
use crate::store::account::Current;
use crate::store::session::{Presented, Record, Rotation};
use crate::store::session_copy::SessionCopy;

impl Sessions {
    /// Gives the next access token and the next handle. A lost reply or a second tab may repeat this within a minute.
    /// While the record or the account is out of reach: a degraded token, and the same handle again.
    pub async fn refresh(
        &self,
        context: &Context,
        presented: &str,
        seen: Seen<'_>,
    ) -> Result<Granted, Error> {
        let handle = self.tokens.open_handle(presented)?;
        let view = self.revocations.view();
        if view.ends(handle.sid, handle.sub, handle.epoch, &handle.memberships) {
            return Err(Error::SessionOver);
        }
        match self.find_account(context, &handle).await {
            Ok(account) => self.refresh_with(context, handle, account, seen).await,
            Err(error) if error.retryable() => self.refresh_without_account(context, &handle, error).await,
            Err(error) => Err(error.into()),
        }
    }

    /// The same for somebody who has just proved again who they are: token and handle say so from now on.
    pub async fn raise(
        &self,
        context: &Context,
        mut handle: RefreshHandle,
        seen: Seen<'_>,
    ) -> Result<Granted, Error> {
        (handle.auth_time, handle.method) = (self.clock.unix_seconds(), Method::PasswordAndTotp);
        let account = self.find_account(context, &handle).await?;
        self.refresh_with(context, handle, account, seen).await
    }

    async fn find_account(
        &self,
        context: &Context,
        handle: &RefreshHandle,
    ) -> Result<Option<Current>, pg::Error> {
        let mut reader = self.database.reader(context, Work::Login).await?;
        store::account::find_current(&mut reader, handle.sub, handle.sid).await
    }

    async fn refresh_with(
        &self,
        context: &Context,
        mut handle: RefreshHandle,
        account: Option<Current>,
        seen: Seen<'_>,
    ) -> Result<Granted, Error> {
        let account = account.ok_or(Error::SessionOver)?;
        if account.revoked > handle.epoch || account.is_blocked {
            return Err(Error::SessionOver);
        }
        handle.memberships.clone_from(&account.memberships);
        let rotation = match self.rotate(context, &handle).await {
            Ok(Rotation::Unknown) => self.rotate_from_copy(context, &handle).await?,
            Ok(rotation) => rotation,
            Err(error) if error.retryable() => return self.refresh_from_copy(context, &handle, error).await,
            Err(error) => return Err(error.into()),
        };
        handle.generation = match rotation {
            Rotation::Next(generation) => generation,
            Rotation::Killed => {
                let sid = handle.sid;
                tracing::warn!(%sid, "an old refresh handle was used again: the session has been ended");
                self.copies.put(SessionCopy { is_ended: true, ..self.copy(&handle, seen.browser) });
                self.note(Kind::OldHandleUsed, &handle, seen);
                self.keep_that_ended(context, &handle).await?;
                return Err(Error::SessionOver);
            }
            Rotation::Idle => {
                // For its copy, so that a longer limit does not bring it back.
                self.copies.put(SessionCopy { is_ended: true, ..self.copy(&handle, seen.browser) });
                return Err(Error::SessionOver);
            }
            Rotation::Over | Rotation::Unknown => return Err(Error::SessionOver),
        };
        self.copies.put(self.copy(&handle, seen.browser));
        self.tokens.grant(&handle, &account.memberships, Basis::Full)
    }

    async fn rotate(&self, context: &Context, handle: &RefreshHandle) -> Result<Rotation, redis::Error> {
        let presented = Presented {
            sid: handle.sid,
            generation: handle.generation,
            proved_ms: proved_ms(handle),
            idle_limit_ms: i64::try_from(self.idle_limit_s(handle)).unwrap_or(i64::MAX / 1_000) * 1_000,
        };
        store::session::rotate(&self.cluster, context, &presented, self.now_ms(), self.idle_s(handle)).await
    }

    /// The store knows nothing of the session: a failover has lost it where its copy stands, and puts it back.
    async fn rotate_from_copy(&self, context: &Context, handle: &RefreshHandle) -> Result<Rotation, Error> {
        let evidence = self.evidence_of_copy(context, handle).await?;
        let Some(Evidence { record: Record::Current { generation, since_ms }, is_idle: false }) = evidence
        else {
            return Ok(Rotation::Unknown);
        };
        let (sid, idle_s) = (handle.sid, self.idle_s(handle));
        store::session::restore(&self.cluster, context, sid, generation, since_ms, idle_s).await?;
        tracing::info!(%sid, "a session that its store had lost was restored from its copy");
        Ok(self.rotate(context, handle).await?)
    }

    /// The session's shard is out of reach: its copy says whether it goes on. One that is too new to have a copy does.
    async fn refresh_from_copy(
        &self,
        context: &Context,
        handle: &RefreshHandle,
        shard: redis::Error,
    ) -> Result<Granted, Error> {
        let evidence = match self.evidence_of_copy(context, handle).await {
            Ok(evidence) => evidence,
            Err(error) if error.retryable() => None,
            Err(error) => return Err(error.into()),
        };
        if !evidence.is_none_or(|evidence| stands(handle, evidence, self.now_ms())) {
            return Err(Error::SessionOver);
        }
        tracing::info!(error = %shard, "a session's shard is out of reach: degraded token");
        self.tokens.grant(handle, &handle.memberships, Basis::Degraded)
    }

    /// The database is out of reach: the record, or where that is too the handle alone, and what is known of revocations.
    async fn refresh_without_account(
        &self,
        context: &Context,
        handle: &RefreshHandle,
        database: pg::Error,
    ) -> Result<Granted, Error> {
        match store::session::find(&self.cluster, context, handle.sid, self.idle_s(handle)).await {
            Ok(Some(record)) => {
                let evidence = Evidence::of_record(record, handle, self.idle_limit_s(handle), self.now_ms());
                if !stands(handle, evidence, self.now_ms()) {
                    return Err(Error::SessionOver);
                }
            }
            // Idle or lost: only the copy could tell, so nobody is signed out and nobody let in.
            Ok(None) => return Err(database.into()),
            Err(error) if error.retryable() => {}
            Err(error) => return Err(error.into()),
        }
        tracing::info!(error = %database, "accounts are out of reach: degraded token");
        let view = self.revocations.view();
        let memberships: Vec<Membership> =
            handle.memberships.iter().filter(|one| !view.withdraws(handle.sub, one)).copied().collect();
        self.tokens.grant(handle, &memberships, Basis::Degraded)
    }

    async fn evidence_of_copy(
        &self,
        context: &Context,
        handle: &RefreshHandle,
    ) -> Result<Option<Evidence>, pg::Error> {
        let mut reader = self.database.reader(context, Work::Login).await?;
        let copy = store::session_copy::find(&mut reader, handle.sub, handle.sid).await?;
        let idle_s = self.idle_limit_s(handle);
        Ok(copy.map(|copy| Evidence::of_copy(&copy, idle_s, self.clock.utc())))
    }

    /// The end itself is in the session store and has taken place; when the log is away the answer says so, and the
    /// next use of the handle finds no session.
    async fn keep_that_ended(&self, context: &Context, handle: &RefreshHandle) -> Result<(), Error> {
        let entry = Entry {
            actor: Actor::Service,
            act: "session_family_ended",
            subject: format!("session:{}", handle.sid),
            authority: None,
            details: json!({ "person": handle.sub, "reason": "old_refresh_handle", "generation": handle.generation }),
        };
        let mut transaction = self.database.begin(context, Work::Login).await?;
        audit::append(&mut transaction, &entry).await?;
        Ok(transaction.commit().await?)
    }

    fn now_ms(&self) -> i64 {
        self.clock.utc().timestamp_millis()
    }
}
