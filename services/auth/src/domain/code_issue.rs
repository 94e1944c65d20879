//! Settles how a code is issued: said once, kept as a keyed hash, audited, and the end of those before it for the same purpose.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::audit::Order;
use shared::context::Context;
use shared::pg::{Database, Transaction, Work};
use uuid::Uuid;

use super::administration::may_concern;
use super::codes::{Code, Purpose};
use super::sealed::SealingKey;
use crate::error::Error;
use crate::store;

/// A printed code is good for so long: a sheet handed out in class is used within two weeks or printed anew.
pub const GOOD_FOR: TimeDelta = TimeDelta::days(14);

/// A printed code.
pub struct Issued {
    /// For the sheet; kept nowhere.
    pub code: String,
    /// When it is good no more.
    pub expires_at: DateTime<Utc>,
}

/// Issues a code for somebody of one of these schools.
pub async fn issue(
    database: &Database,
    code_key: &SealingKey,
    context: &Context,
    order: &Order,
    (schools, person_id): (&[Uuid], Uuid),
    purpose: Purpose,
) -> Result<Issued, Error> {
    let mut transaction = database.begin(context, Work::Write).await?;
    let is_administrator = store::school_account::lock(&mut transaction, schools, person_id).await?;
    may_concern(order, person_id, is_administrator.ok_or(Error::NoAccount)?)?;
    let issued = issue_in(&mut transaction, code_key, person_id, purpose).await?;
    let details = json!({ "purpose": purpose.name() });
    order.keep(&mut transaction, "code_issued", format!("account:{person_id}"), details).await?;
    transaction.commit().await?;
    Ok(issued)
}

/// Issues a code in a transaction that audits it, for an account that is held in it.
pub async fn issue_in(
    transaction: &mut Transaction,
    code_key: &SealingKey,
    person_id: Uuid,
    purpose: Purpose,
) -> Result<Issued, Error> {
    let (code, now) = (Code::new(), transaction.context().clock().utc());
    let expires_at = now + GOOD_FOR;
    let stored = code.stored(code_key);
    store::code::insert(transaction, (&stored, purpose.name()), person_id, (now, expires_at)).await?;
    Ok(Issued { code: code.print(), expires_at })
}
