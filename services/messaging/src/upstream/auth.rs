//! Settles how auth is told to contain an account: locked, signed out everywhere, to be reset, once under each key.

use serde::{Deserialize, Serialize};
use shared::context::Context;
use shared::siblings::{Error, Sibling};
use uuid::Uuid;

/// What auth is told. It is kept in auth's audit log.
#[derive(Debug, Serialize)]
pub struct Containment<'a> {
    /// Why.
    pub reason: &'a str,
    /// Who demanded it.
    pub authority: &'a str,
    /// Which incident it belongs to, if any.
    pub incident: Option<Uuid>,
}

#[derive(Debug, Deserialize)]
struct Contained {
    epoch: i64,
}

/// Contains an account; the epoch below which its sessions are refused. The same again under the same key does nothing more.
pub async fn contain(
    auth: &Sibling,
    context: &Context,
    person_id: Uuid,
    key: &str,
    containment: &Containment<'_>,
) -> Result<i64, Error> {
    let path = format!("/internal/v1/accounts/{person_id}/contain");
    let contained: Contained = auth.command(context, &path, key, containment).await?;
    Ok(contained.epoch)
}
