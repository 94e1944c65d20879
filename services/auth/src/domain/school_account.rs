//! Settles how the accounts of a school are seen by its administrators, blocked, and opened again.

use serde_json::json;
use shared::audit::Order;
use shared::context::Context;
use shared::pg::{Database, Transaction, Work};
use shared::session::Claims;
use uuid::Uuid;

use super::administration::{may_administer, may_concern};
use super::revocation::{Act, Revocations, Target, revoke_in};
use crate::error::Error;
use crate::store;
use crate::store::school_account::{AccountPage, Filter, SchoolAccount};

/// Whom an administrator has in mind: one person of one school.
#[derive(Debug, Clone, Copy)]
pub struct Of {
    /// The school.
    pub school: Uuid,
    /// The person.
    pub person: Uuid,
}

/// A page of the accounts of a school.
pub async fn list(
    database: &Database,
    context: &Context,
    caller: &Claims,
    school: Uuid,
    filter: &Filter,
) -> Result<AccountPage, Error> {
    may_administer(caller, school, context.clock().unix_seconds())?;
    let mut reader = database.read(context).await?;
    Ok(store::school_account::list(&mut reader, school, filter).await?)
}

/// One account of a school.
pub async fn show(
    database: &Database,
    context: &Context,
    caller: &Claims,
    of: Of,
) -> Result<SchoolAccount, Error> {
    may_administer(caller, of.school, context.clock().unix_seconds())?;
    let mut reader = database.read(context).await?;
    store::school_account::find(&mut reader, of.school, of.person).await?.ok_or(Error::NoAccount)
}

/// Closes an account and ends its sessions, in one transaction. Sign-in then answers as if the password were wrong, until
/// somebody lifts the block; no code does. The same again is no error.
pub async fn block(revocations: &Revocations, context: &Context, order: &Order, of: Of) -> Result<(), Error> {
    let mut transaction = revocations.database().begin(context, Work::Write).await?;
    block_in(&mut transaction, order, of).await?;
    transaction.commit().await?;
    revocations.announce(context).await;
    Ok(())
}

/// The same in a transaction of one's own. Whoever cannot announce it leaves that to the instances: they tell within a second.
pub async fn block_in(transaction: &mut Transaction, order: &Order, of: Of) -> Result<(), Error> {
    lock(transaction, order, of).await?;
    let now = transaction.context().clock().utc();
    if !store::school_account::block(transaction, of.person, now).await? {
        return Ok(());
    }
    store::session_copy::end_all(transaction, of.person).await?;
    let act = Act {
        target: Target::Accounts(vec![of.person]),
        actor: order.actor,
        authority: Some(order.authority.clone()),
        details: json!({ "reason": "account_blocked" }),
    };
    revoke_in(transaction, &act).await?;
    keep(transaction, order, "account_blocked", of).await
}

/// Opens a blocked account again, with the password that it had. The same again is no error.
pub async fn unblock(database: &Database, context: &Context, order: &Order, of: Of) -> Result<(), Error> {
    let mut transaction = database.begin(context, Work::Write).await?;
    lock(&mut transaction, order, of).await?;
    if store::school_account::unblock(&mut transaction, of.person).await? {
        keep(&mut transaction, order, "account_unblocked", of).await?;
    }
    Ok(transaction.commit().await?)
}

/// Holds an account that the order may concern.
pub(super) async fn lock(transaction: &mut Transaction, order: &Order, of: Of) -> Result<(), Error> {
    let is_administrator = store::school_account::lock(transaction, &[of.school], of.person).await?;
    may_concern(order, of.person, is_administrator.ok_or(Error::NoAccount)?)
}

async fn keep(transaction: &mut Transaction, order: &Order, act: &'static str, of: Of) -> Result<(), Error> {
    let details = json!({ "school": of.school });
    Ok(order.keep(transaction, act, format!("account:{}", of.person), details).await?)
}
